/**
 * EPT violations that become virtualization exceptions of the guest instead of VM exits. SDM Vol. 3 "Virtualization Exceptions", "Convertible
 * EPT Violations".
 *
 *     information area: 0 exit reason, 4 bytes · 4 FFFFFFFFH, 4 bytes · 8 qualification · 16 linear address · 24 guest-physical address · 32 EPTP index, 2 bytes
 */
import { CR0_PE } from "../generated/constants";
import { State } from "../generated/state";
import {
  EPTP_INDEX,
  EXIT_REASON_EPT_VIOLATION,
  SECONDARY_EPT_VIOLATION_VE,
  VIRTUALIZATION_EXCEPTION_INFORMATION_ADDRESS,
} from "../generated/vmx";
import { codeWritten, isCode } from "./code-pages";
import { eptConvertible, eptReason } from "./ept";
import { hostOf } from "./physical";

/** Whether what EPT has refused is to be an exception; then the guest's software finds out why in its information area. */
export function becomesException(s: State, qualification: u64, linear: u64, gpa: u64): bool {
  if ((s.vmxSecondary & SECONDARY_EPT_VIOLATION_VE) == 0 || eptReason != EXIT_REASON_EPT_VIOLATION || !eptConvertible) return false;
  const area = hostOf(load<u64>(<usize>s.vmcs + VIRTUALIZATION_EXCEPTION_INFORMATION_ADDRESS));
  if ((s.cr0 & CR0_PE) == 0 || s.delivering != 0 || area == 0 || load<u32>(area, 4) != 0) return false;
  if (isCode(area)) codeWritten(s, area);
  store<u32>(area, EXIT_REASON_EPT_VIOLATION);
  store<u32>(area, 0xffffffff, 4);
  store<u64>(area, qualification, 8);
  store<u64>(area, linear, 16);
  store<u64>(area, gpa, 24);
  store<u16>(area, load<u16>(<usize>s.vmcs + EPTP_INDEX), 32);
  return true;
}

/**
 * What a VM entry checks, before the fact: the rules of src/spec/vmx-rules.ts, each with a predicate of its name over the current VMCS. The
 * CPU says which group failed; the checks say which rules, with field and value.
 */
import type { Memory } from "../../bus/device.ts";
import { type RuleGroup, VMX_RULES, type VmxRule } from "../../spec/vmx-rules.ts";
import { LogicError } from "../../vmm/errors.ts";
import { EXECUTION_CHECKS } from "./checks/execution-controls.ts";
import { ENTRY_CHECKS, EXIT_CHECKS, MSR_CHECKS } from "./checks/exit-entry-controls.ts";
import { GUEST_REGISTER_CHECKS } from "./checks/guest-registers.ts";
import { GUEST_SEGMENT_CHECKS } from "./checks/guest-segments.ts";
import { GUEST_STATE_CHECKS } from "./checks/guest-state.ts";
import { HOST_CHECKS } from "./checks/host.ts";
import { type Predicates, VmcsView } from "./checks/view.ts";
import type { Intrinsics } from "./intrinsics.ts";

export const CHECKS: Predicates = {
  ...EXECUTION_CHECKS,
  ...EXIT_CHECKS,
  ...ENTRY_CHECKS,
  ...HOST_CHECKS,
  ...GUEST_REGISTER_CHECKS,
  ...GUEST_SEGMENT_CHECKS,
  ...GUEST_STATE_CHECKS,
  ...MSR_CHECKS,
};

/** A rule that a VMCS breaks. */
export class CheckFailed extends LogicError {
  override readonly name = "CheckFailed";
  readonly rule: VmxRule;
  /** the one at fault, where the rule is about several */
  readonly field: string;
  readonly value: bigint;

  constructor(rule: VmxRule, field: string, value: bigint) {
    super(`${rule.group}: ${rule.name}: ${field} = 0x${value.toString(16)}, but: ${rule.rule} (SDM "${rule.section}")`);
    this.rule = rule;
    this.field = field;
    this.value = value;
  }
}

export class Checks {
  readonly #view: VmcsView;

  constructor(cpu: Intrinsics, memory: Pick<Memory, "view">) {
    this.#view = new VmcsView(cpu, memory);
  }

  /** Every rule of these groups that the current VMCS breaks, in the order in which the CPU looks. */
  violations(groups: readonly RuleGroup[] = ["controls", "host", "guest", "msr"]): CheckFailed[] {
    return VMX_RULES.filter((rule) => groups.includes(rule.group)).flatMap((rule) =>
      this.#faults(rule).map((field) => new CheckFailed(rule, field, this.#view.field(field))),
    );
  }

  /** Throws about the first rule that does not hold. */
  controls(): void {
    this.#throwFirst(["controls"]);
  }

  hostState(): void {
    this.#throwFirst(["host"]);
  }

  guestState(): void {
    this.#throwFirst(["guest", "msr"]);
  }

  all(): void {
    this.controls();
    this.hostState();
    this.guestState();
  }

  /** Fields that do not do what the rule says. */
  #faults(rule: VmxRule): readonly string[] {
    const predicate = CHECKS[rule.name];
    if (predicate === undefined) throw new LogicError(`no check for the rule ${rule.name} of src/spec/vmx-rules.ts`);
    const result = predicate(this.#view);
    return typeof result === "boolean" ? (result ? [] : [rule.field]) : result;
  }

  #throwFirst(groups: readonly RuleGroup[]): void {
    const [first] = this.violations(groups);
    if (first !== undefined) throw first;
  }
}

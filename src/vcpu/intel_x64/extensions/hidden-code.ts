/**
 * A page that runs other code than it shows: instructions are fetched from a page of the VMM's own, execute-only, while whoever reads or
 * writes the page finds what was there. For data the two views are swapped for one instruction.
 */
import { PAGE_SIZE } from "../../../vmm/constants.ts";
import { InvalidArgument } from "../../../vmm/errors.ts";
import { EPT } from "../ept-map.ts";
import type { Extension } from "../vm-api.ts";

/** `code` runs at `offset` of the page at guest-physical address `page`; the rest of the page runs as it is at the moment. */
export function hiddenCode(page: bigint, offset: number, code: Uint8Array): Extension {
  if (page % PAGE_SIZE !== 0n || offset < 0 || offset + code.length > Number(PAGE_SIZE))
    throw new InvalidArgument("hidden code stands inside one page");
  return (vm) => {
    const shadow = vm.ownPage();
    const bytes = vm.readPhysical(page, Number(PAGE_SIZE));
    bytes.set(code, offset);
    vm.writePhysical(shadow, bytes);
    const hide = () => vm.ept.remap(page, shadow, EPT.EXECUTE);
    vm.onEptViolation(page, page + PAGE_SIZE - 1n, ["read", "write"], (_violation, guest) => {
      vm.ept.remap(page, page, EPT.READ | EPT.WRITE);
      guest.step(hide);
      return true;
    });
    // an instruction in the page that uses the page as data needs both at once: its fetch comes back here
    vm.onEptViolation(page, page + PAGE_SIZE - 1n, ["execute"], (_violation, guest) => {
      vm.ept.remap(page, page, EPT.ALL);
      guest.step(hide);
      return true;
    });
    hide();
  };
}

/** Lets the event loop turn once: input arrives, timers fire, a page is painted. In Node and in browsers, faster than a timer would. */
export const breathe: () => Promise<void> = typeof setImmediate === "function" ? viaImmediate : viaMessage;

function viaImmediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function viaMessage(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

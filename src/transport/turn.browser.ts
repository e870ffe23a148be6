// The next turn of a browser's event loop, by a message to oneself: a timer would wait for
// milliseconds, in a page that is not shown for a second.
const waiting: (() => void)[] = [];
const { port1, port2 } = new MessageChannel();
port1.onmessage = () => waiting.shift()?.();

export function nextTurn(run: () => void): void {
  waiting.push(run);
  port2.postMessage(undefined);
}

export const turned = (): Promise<void> => new Promise((resolve) => nextTurn(resolve));

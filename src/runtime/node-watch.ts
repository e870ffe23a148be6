// Which of the cell's other nodes do not answer: asked again and again, so that
// what is placed on them can be shown as missing, with the reason.
const EVERY_MS = 250;

export type NodeWatch = {
  /** Names of nodes that did not answer when last asked. */
  silent(): ReadonlySet<string>;
  stop(): void;
};

/** @param nodes the other nodes that something is placed on */
export function watchNodes(
  nodes: () => readonly string[],
  answers: (node: string) => Promise<boolean>,
): NodeWatch {
  let silent: ReadonlySet<string> = new Set();
  let busy = false;
  const pass = async () => {
    const asked = await Promise.all(nodes().map(async (node) => [node, await answers(node)] as const));
    silent = new Set(asked.flatMap(([node, answered]) => (answered ? [] : [node])));
  };
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    void pass().finally(() => {
      busy = false;
    });
  }, EVERY_MS);
  return { silent: () => silent, stop: () => clearInterval(timer) };
}

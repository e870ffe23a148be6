// The graph of chaos: actors that stand alone, and a group that fails as one.

export const ALONE = 12;
export const GROUPED = 6;

export const aloneName = (at: number): string => `drill/t${at}`;
export const groupedName = (at: number): string => `drill/group/m${at}`;
export const allActors: readonly string[] = [
  ...Array.from({ length: ALONE }, (_, at) => aloneName(at)),
  ...Array.from({ length: GROUPED }, (_, at) => groupedName(at)),
];

export function chaosGraph(module: string, durable: boolean): string {
  const actor = (name: string) => ({
    actor: name,
    behaviour: `${module}#target`,
    ...(durable ? { durable } : {}),
  });
  const unbounded = { intensity: 10_000, period: "5s" };
  const group = Array.from({ length: GROUPED }, (_, at) => actor(`m${at}`));
  return JSON.stringify({
    apiVersion: "cell0.dev/v1",
    kind: "ActorGraph",
    metadata: { name: "drill" },
    spec: {
      ...unbounded,
      children: [
        ...Array.from({ length: ALONE }, (_, at) => actor(`t${at}`)),
        // Gives up over its first failure that no sender caused, and is restarted whole.
        { supervisor: "group", intensity: 0, period: "1s", children: group },
      ],
    },
  });
}

// Priority classes by name and by number on the wire; unspecified reads as normal.
import { Priority } from "../../gen/cell0/v1/capsule_pb.ts";

export type PriorityName = "critical" | "high" | "normal" | "low";

const NAMES: ReadonlyMap<number, PriorityName> = new Map([
  [Priority.UNSPECIFIED, "normal"],
  [Priority.CRITICAL, "critical"],
  [Priority.HIGH, "high"],
  [Priority.NORMAL, "normal"],
  [Priority.LOW, "low"],
]);

const NUMBERS: Readonly<Record<PriorityName, Priority>> = {
  critical: Priority.CRITICAL,
  high: Priority.HIGH,
  normal: Priority.NORMAL,
  low: Priority.LOW,
};

export const priorityName = (number: number): PriorityName | undefined => NAMES.get(number);
export const priorityNumber = (name: PriorityName): Priority => NUMBERS[name];

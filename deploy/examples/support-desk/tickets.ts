// What the actors of the desk say to each other.
import { z } from "zod";

export const ticket = z.object({
  id: z.string().regex(/^T-\d{4,8}$/),
  receivedAt: z.iso.datetime(),
  channel: z.enum(["mail", "web", "chat"]),
  customer: z.object({
    name: z.string(),
    email: z.email(),
    plan: z.enum(["free", "team", "business", "enterprise"]),
  }),
  subject: z.string().min(1).max(200),
  body: z.string().min(1).max(8000),
});
export type Ticket = z.infer<typeof ticket>;

export const categories = [
  "outage",
  "security",
  "legal",
  "cancellation",
  "billing",
  "account",
  "bug",
  "feature",
  "question",
] as const;
export type Category = (typeof categories)[number];

export const urgencies = ["critical", "high", "normal", "low"] as const;
export type Urgency = (typeof urgencies)[number];

export const assessment = z.object({
  category: z.enum(categories),
  urgency: z.enum(urgencies),
  /** Words of the ticket that decided. */
  because: z.array(z.string()),
});
export type Assessment = z.infer<typeof assessment>;

export const queues = [
  "incident",
  "security",
  "legal",
  "retention",
  "billing",
  "technical",
  "general",
] as const;
export type Queue = (typeof queues)[number];

export const outcome = z.object({
  id: z.string(),
  category: z.enum(categories),
  urgency: z.enum(urgencies),
  queue: z.enum(queues),
  /** Whether a person must look at it now. */
  escalated: z.boolean(),
  /** Draft of the answer to the customer. */
  answer: z.string(),
});
export type Outcome = z.infer<typeof outcome>;

// What a first answer says, by category. The text is a draft for a person or a
// model to complete; it promises nothing that the desk does not do.
import type { Category, Outcome, Ticket, Urgency } from "./tickets.ts";

const bodies: Readonly<Record<Category, string>> = {
  outage:
    "We treat this as an incident. An engineer is looking at it now, and you will hear from us at least every 30 minutes until it is solved.",
  security:
    "Thank you for telling us at once. Please change the passwords and keys concerned now; our security team has your report and will contact you.",
  legal:
    "Our legal team has your message and answers within two working days. Please keep this ticket's number.",
  cancellation:
    "We are sorry to see you consider leaving. Your request is with the person in charge of your account; nothing is charged beyond the term that you name.",
  billing:
    "Our billing team checks the documents that you name. If something was charged wrongly, it is refunded to the same card.",
  account:
    "For your safety we first confirm that the account is yours; you get a mail with the next step at its registered address.",
  bug: "Thank you for the precise report. We try to reproduce it and tell you what we find; your data is not affected by trying again.",
  feature: "Thank you for the idea. It is on the list that we plan from, with your vote on it.",
  question:
    "Here is where to begin: our guide answers this step by step; if something is left open, just reply to this message.",
};

const promises: Readonly<Record<Urgency, string>> = {
  critical: "within 15 minutes",
  high: "within two hours",
  normal: "within one working day",
  low: "within three working days",
};

export function draftAnswer(
  ticket: Ticket,
  { category, urgency }: Pick<Outcome, "category" | "urgency">,
): string {
  const name = ticket.customer.name.split(" ", 1)[0] ?? "there";
  return [
    `Hello ${name},`,
    "",
    bodies[category],
    `You hear from us again ${promises[urgency]}. Your ticket is ${ticket.id}: "${ticket.subject}".`,
  ].join("\n");
}

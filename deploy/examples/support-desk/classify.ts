// Category and urgency of a ticket, by its words. Pure, so that it can be tested
// and replayed; a model could stand here instead, behind the same intent.
import type { Assessment, Category, Ticket, Urgency } from "./tickets.ts";

/** First match wins: what hurts most stands first. */
const rules: readonly (readonly [Category, readonly RegExp[]])[] = [
  [
    "security",
    [
      /leaked/i,
      /vulnerabilit/i,
      /phishing/i,
      /asks for our password/i,
      /country we are not in/i,
      /none of us has been/i,
    ],
  ],
  ["legal", [/lawyer/i, /legal action/i, /data processing agreement/i, /gdpr/i, /subprocessors/i]],
  ["outage", [/returns? 503/i, /everything is down/i, /stopped completely/i, /data missing/i, /blank page/i]],
  ["cancellation", [/cancel/i, /competitor/i, /another product/i]],
  ["billing", [/invoice/i, /charged/i, /refund/i, /payment/i, /billing/i, /purchase order/i]],
  [
    "account",
    [/log ?in/i, /password/i, /two-factor/i, /ownership/i, /sso|saml/i, /invite/i, /delete my account/i],
  ],
  ["bug", [/crash/i, /error 500/i, /cut off/i, /wrong/i, /twice/i, /does not find/i, /yesterday's numbers/i]],
  ["feature", [/please add/i, /could you offer/i, /dark mode/i, /any plans/i]],
];

const critical = [/production/i, /checkout is down/i, /right now/i, /immediately/i, /everything is down/i];
const pressing = [/urgent/i, /locked out/i, /cannot work/i, /call me back/i, /five days/i, /lose access/i];

export function classify(ticket: Ticket): Assessment {
  const text = `${ticket.subject}\n${ticket.body}`;
  const [category, because] = categoryOf(text);
  return { category, urgency: urgencyOf(category, text, ticket.customer.plan), because };
}

function categoryOf(text: string): readonly [Category, string[]] {
  for (const [category, patterns] of rules) {
    const because = patterns.flatMap((pattern) => pattern.exec(text)?.[0] ?? []);
    if (because.length > 0) return [category, because];
  }
  return ["question", []];
}

function urgencyOf(category: Category, text: string, plan: Ticket["customer"]["plan"]): Urgency {
  const grave = category === "outage" || category === "security";
  if (grave && critical.some((pattern) => pattern.test(text))) return "critical";
  if (grave || category === "legal") return "high";
  if (pressing.some((pattern) => pattern.test(text))) return "high";
  if (category === "feature") return "low";
  return plan === "free" ? "low" : "normal";
}

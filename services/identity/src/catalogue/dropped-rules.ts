import {
  TRANSITIONS,
  type ReceiptLine,
  type RuleDescription,
  type Transition,
  type UserEventType,
} from '#libs/contracts';

/** What a service declared once and does not declare any more: whole rules, or transitions of rules. It hands nothing over. */
export function droppedFrom(
  former: readonly RuleDescription[],
  declared: readonly RuleDescription[],
): RuleDescription[] {
  const current = new Map(declared.map((rule) => [rule.id, rule]));
  return merged([], former).flatMap((rule) => {
    const lost = Object.entries(rule.transitions).filter(
      ([transition]) => !current.get(rule.id)?.transitions[transition as Transition],
    );
    const isWhole = !current.has(rule.id);
    const { handOver: _handOver, ...dropped } = rule;
    return lost.length > 0 || isWhole ? [{ ...dropped, transitions: Object.fromEntries(lost) }] : [];
  });
}

/** The declared rules together with the dropped ones, each rule once. */
export function merged(declared: readonly RuleDescription[], dropped: readonly RuleDescription[]): RuleDescription[] {
  const all = new Map(declared.map((rule) => [rule.id, rule]));
  for (const rule of dropped) {
    const known = all.get(rule.id) ?? rule;
    const both = { ...rule.transitions, ...known.transitions };
    const ordered = TRANSITIONS.flatMap((transition) => (both[transition] ? [[transition, both[transition]]] : []));
    all.set(rule.id, { ...known, transitions: Object.fromEntries(ordered) as typeof both });
  }
  return [...all.values()];
}

/** The warning of a line about a rule that the service has dropped. */
const DROPPED = 'rule-dropped';

/** Unfinished lines that stand for dropped rules in the answer to a departure. */
export function linesOf(dropped: readonly RuleDescription[], type: UserEventType): ReceiptLine[] {
  const steps: readonly Transition[] =
    type === 'user.deleted' ? ['deactivated', 'deleted'] : type === 'user.deactivated' ? ['deactivated'] : [];
  return dropped.flatMap(({ id: rule, transitions }) =>
    steps.flatMap((transition): ReceiptLine[] => {
      const described = transitions[transition];
      if (!described) return [];
      const { default: action } = described;
      return [{ ...action, rule, transition, affected: 0, remaining: null, finishedAt: null, warning: DROPPED }];
    }),
  );
}

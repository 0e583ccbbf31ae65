import { offeredOn, type PreviewLine, type PreviewRule, type ResolvedAction } from '#libs/contracts';
import { inputOf } from '../../../policy/choices.js';
import type { Plan } from '../planner.js';

/**
 * The lines as a preview shows them. Lines of rules that the catalogue does not have are left out.
 * @param firstAdminId who gets rows without a named successor
 */
export function previewRules(plan: Plan, lines: readonly PreviewLine[], firstAdminId: string | null): PreviewRule[] {
  const known = new Map(plan.catalogue.map((rule) => [rule.id, rule]));
  return lines.flatMap((line): PreviewRule[] => {
    const described = known.get(line.rule);
    if (!described) return [];
    const { rule, part, transition, action, days, scope, count, detail, undoable } = line;
    const offered = offeredOn(described, transition);
    const byPolicy = plan.byPolicy[rule]?.[transition] ?? line;
    const { to, team } = plan.rules[rule]?.[transition] ?? line;
    const successorId = hasSuccessor(line) && !team ? (to ?? firstAdminId) : null;
    return [
      {
        rule,
        ...(part && { part }),
        service: described.service,
        label: described.label,
        transition,
        action,
        ...(days !== undefined && { days }),
        ...(scope && { scope }),
        ...(successorId && { successorId }),
        ...(team && { successorTeamId: team.id }),
        allowed: [...(offered?.allowed ?? [])],
        destroys: offered?.destroys?.includes(action) === true,
        undoable: plan.transition === 'deactivated' && undoable === true,
        differsFromPolicy: !isSame(line, byPolicy),
        policyAction: inputOf(choiceOf(byPolicy)),
        count,
        ...(detail && { detail }),
      },
    ];
  });
}

const hasSuccessor = ({ action }: PreviewLine): boolean => action === 'transfer' || action === 'replace';

/** Without the successor, which `policyAction` does not name. */
const choiceOf = ({ action, days, scope }: ResolvedAction) => ({
  action,
  ...(days !== undefined && { days }),
  ...(scope && { scope }),
});

const isSame = (one: ResolvedAction, other: ResolvedAction): boolean =>
  one.action === other.action &&
  one.days === other.days &&
  one.scope === other.scope &&
  one.to === other.to &&
  one.team?.id === other.team?.id;

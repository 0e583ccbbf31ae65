import { FateIcon } from '../../../components/fate';
import { Select } from '../../../components/fields/select';
import { Icon } from '../../../components/icon';
import { actions as words } from '../../../texts/actions';
import { leave as texts } from '../../../texts/leave';
import { partName } from '../../../texts/parts';
import { number } from '../../../texts/numbers';
import { DEFAULT, type Action, type ActionInput, type Line } from '../plan/choices';
import { fateOf, fateOfAction, nameOf, type FoldedRule } from '../plan/fold';
import type { Choosing } from '../plan/choosing';
import { WhoButton } from './who';

const { choose } = texts;

/** A rule: what it is about, how many, what happens and who gets it. */
export function RuleRow({ rule, choosing }: { rule: FoldedRule; choosing: Choosing }) {
  const { label, line, total, parts, differs } = rule;
  const counted = parts.filter(({ count }) => count > 0);
  return (
    <tr role="row" className={differs ? 'differs' : undefined}>
      <th role="rowheader" scope="row">
        {label}
        {counted.length > 1 && (
          <span className="detail">
            {counted.map(({ line: one, count }, index) => (
              <span key={one.part}>
                {index > 0 && ', '}
                {one.part}{' '}
                <CountButton label={`${label}, ${partName(one.part)}`} line={one} count={count} choosing={choosing} />
              </span>
            ))}
          </span>
        )}
      </th>
      <td role="cell" className="num">
        {counted.length === 1 ? (
          <CountButton label={label} line={counted[0]!.line} count={total} choosing={choosing} />
        ) : (
          <b>{number(total)}</b>
        )}
      </td>
      <td role="cell" className="act">
        <ActionChoice rule={rule} choosing={choosing} />
      </td>
      <td role="cell" className="who-cell">
        {(line.successorId ?? line.successorTeamId) && (
          <WhoButton
            successorId={line.successorId}
            successorTeamId={line.successorTeamId}
            label={label}
            isDefault={choosing.choices.successors[rule.rule] === undefined}
            onClick={() => choosing.askWho(rule.rule, label)}
          />
        )}
      </td>
    </tr>
  );
}

interface CountButtonProps {
  label: string;
  line: Line;
  count: number;
  choosing: Choosing;
}

function CountButton({ label, line, count, choosing }: CountButtonProps) {
  return (
    <button
      className="count-btn"
      type="button"
      aria-label={choose.show(count, label)}
      onClick={() => choosing.showRows(line, count)}
    >
      {number(count)}
    </button>
  );
}

const word = (action: Action, days?: number): string =>
  days === undefined ? words[action] : words.after(words[action], days);

/** The choice, if the policy leaves one; marked where it is not the policy's. */
function ActionChoice({
  rule: { rule, line, label, allowed, isFixed, differs },
  choosing,
}: {
  rule: FoldedRule;
  choosing: Choosing;
}) {
  const fate = fateOf(line);
  if (isFixed)
    return (
      <span className="fixed-action" title={choose.fixed}>
        <FateIcon fate={fate} />
        {word(line.action, line.days)}
        <Icon name="lock" className="sm" />
        <span className="sr">{choose.fixed}</span>
      </span>
    );
  const policy = line.policyAction;
  const isNamed = isDefaultNamed(choosing);
  return (
    <>
      <Select
        label={choose.actionOf(label)}
        value={line.action}
        icon={<FateIcon fate={fate} />}
        options={allowed
          .toSorted((a, b) => ORDER.indexOf(fateOfAction(a)) - ORDER.indexOf(fateOfAction(b)))
          .map(
            (action) => [action, word(action, action === line.action ? line.days : daysOf(policy, action))] as const,
          )}
        onChange={(action) => choosing.act(rule, inputOf(action, policy, isNamed))}
      />
      {differs && policy !== undefined && (
        <Difference rule={{ rule, label, line }} policy={policy} choosing={choosing} />
      )}
    </>
  );
}

interface DifferenceProps {
  rule: Pick<FoldedRule, 'rule' | 'label' | 'line'>;
  policy: ActionInput;
  choosing: Choosing;
}

/** What the policy would do, or whom it would choose, with the way back. */
function Difference({ rule: { rule, label, line }, policy, choosing }: DifferenceProps) {
  const isNamed = isDefaultNamed(choosing);
  const planned = nameOf(policy);
  const isAboutWho = planned === line.action && daysOf(policy, planned) === line.days;
  const canGoBack = !isAboutWho || choosing.choices.successors[rule] !== undefined;
  const goBack = () =>
    isAboutWho ? choosing.give(rule, undefined) : choosing.act(rule, inputOf(planned, policy, isNamed));
  return (
    <span className="diff">
      <Icon name="differs" />
      {choose.policy(isAboutWho ? choose.firstAdmin : word(planned, daysOf(policy, planned)))}
      {canGoBack && (
        <button className="text-btn" type="button" onClick={goBack}>
          {choose.usePolicy}
          <span className="sr">: {label}</span>
        </button>
      )}
    </span>
  );
}

const ORDER = ['hands', 'ends', 'destroyed', 'stays'];

/** Days of actions with a delay that the policy does not name. */
const DAYS: Readonly<Record<string, number>> = { 'delete-after': 30, 'release-after': 7 };

function daysOf(policy: ActionInput | undefined, action: Action): number | undefined {
  if (typeof policy === 'object' && policy.action === action && 'days' in policy) return policy.days;
  return DAYS[action];
}

/** A named default successor gets everything that may be transferred, so what is not to be transferred has to be said. */
const isDefaultNamed = ({ choices }: Choosing): boolean => choices.successors[DEFAULT] !== undefined;

/** Undefined for what happens without a choice. */
function inputOf(action: Action, policy: ActionInput | undefined, isNamed: boolean): ActionInput | undefined {
  if (action === 'restore') return undefined;
  if (policy !== undefined && nameOf(policy) === action) return isNamed ? policy : undefined;
  const days = DAYS[action];
  return days === undefined ? action : { action, days };
}

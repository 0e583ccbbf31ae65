import { Attention, AttentionItems } from '../../../components/attention';
import { Icon } from '../../../components/icon';
import { actions as words } from '../../../texts/actions';
import { leave as texts } from '../../../texts/leave';
import type { Preview } from '../plan/choices';
import { fateOfAction, type FoldedRule } from '../plan/fold';
import type { Choosing } from '../plan/choosing';

type Warning = Preview['warnings'][number];

const { choose } = texts;
/** More of them are behind a line. */
const SHOWN = 3;
/** The most ways out beside a warning. */
const WAYS = 2;

interface WarningsProps {
  warnings: readonly Warning[];
  rules: readonly FoldedRule[];
  choosing: Choosing;
}

/** What nobody may overlook, the destructive first. */
export function Warnings({ warnings, rules, choosing }: WarningsProps) {
  const known = new Map(rules.map((rule) => [rule.rule, rule]));
  const items = [...new Map(warnings.map((warning) => [`${warning.rule} ${warning.detail}`, warning])).values()]
    .toSorted((a, b) => weightOf(known.get(b.rule), b) - weightOf(known.get(a.rule), a))
    .map((warning) => itemOf(warning, known.get(warning.rule), choosing));
  if (items.length === 0) return null;
  const [first, more] = [items.slice(0, SHOWN), items.slice(SHOWN)];
  return (
    <Attention title={choose.attention(first.length)} note={choose.attentionNote} items={first}>
      {more.length > 0 && (
        <details>
          <summary>
            <Icon name="right" className="sm" />
            {choose.more(more.length)}
          </summary>
          <AttentionItems items={more} />
        </details>
      )}
    </Attention>
  );
}

/** Those that the service calls for attention come first, then those that destroy. */
const weightOf = (rule: FoldedRule | undefined, { detail }: Warning): number =>
  (isLoud(detail) ? 2 : 0) + (rule && rule.destroys > 0 ? 1 : 0);

const LOUD = /^Attention: /;
const isLoud = (detail: string): boolean => LOUD.test(detail);

function itemOf({ rule: id, detail }: Warning, rule: FoldedRule | undefined, choosing: Choosing) {
  const ways =
    rule?.allowed.filter(
      (action) => action !== rule.line.action && action !== 'block' && fateOfAction(action) !== 'destroyed',
    ) ?? [];
  return {
    id: `${id} ${detail}`,
    title: rule?.label ?? id,
    about: <span className="sentence">{detail.replace(LOUD, '')}</span>,
    actions: rule && !rule.isFixed && ways.length > 0 && (
      <>
        {ways.slice(0, WAYS).map((action) => (
          <button
            key={action}
            className="btn small"
            type="button"
            aria-label={`${words[action]}: ${rule.label}`}
            onClick={() => choosing.act(id, action === 'restore' ? undefined : action)}
          >
            {words[action]}
          </button>
        ))}
      </>
    ),
  };
}

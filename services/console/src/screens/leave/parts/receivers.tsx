import { PersonName } from '../../../components/person-name';
import { leave as texts } from '../../../texts/leave';
import type { FoldedRule } from '../plan/fold';
import { useReceiverName } from './who';

/** How much each of those who take over gets. */
export function Receivers({ rules }: { rules: readonly FoldedRule[] }) {
  const given = rules.filter(({ line, counts }) => counts.hands > 0 && (line.successorId ?? line.successorTeamId));
  if (given.length === 0) return null;
  const byReceiver = Map.groupBy(given, ({ line }) => line.successorTeamId ?? line.successorId!);
  return (
    <section className="panel" aria-labelledby="receivers">
      <header>
        <h2 id="receivers">{texts.confirm.receivers}</h2>
      </header>
      <ul className="lines pad">
        {[...byReceiver].map(([id, of]) => (
          <Receiver key={id} rules={of} />
        ))}
      </ul>
    </section>
  );
}

function Receiver({ rules }: { rules: readonly FoldedRule[] }) {
  const name = useReceiverName(rules[0]!.line) ?? '…';
  const count = rules.reduce((sum, { counts }) => sum + counts.hands, 0);
  return (
    <li>
      <b>
        <PersonName>{name}</PersonName>
      </b>
      <span className="muted">{texts.listed(rules.map(({ label }) => label))}</span>
      <span className="push">{texts.confirm.receives(count)}</span>
    </li>
  );
}

import type { ApiProblem } from '../../../api/problem';
import { Icon } from '../../../components/icon';
import { actions as words } from '../../../texts/actions';
import { leave as texts } from '../../../texts/leave';
import type { Action } from '../plan/choices';
import type { FoldedRule } from '../plan/fold';

const { confirm } = texts;

/** The document gives the actions of a change as texts. */
type Change = NonNullable<ApiProblem['body']['changes']>[number];

/** What is different from what was shown. */
export function StalePlan({ problem, rules }: { problem: ApiProblem; rules: readonly FoldedRule[] }) {
  const labels = new Map(rules.map(({ rule, label }) => [rule, label]));
  const changes = problem.body.changes ?? [];
  return (
    <section className="attention" role="alert">
      <header>
        <Icon name="alert" />
        <h2>{confirm.stale}</h2>
      </header>
      <ul>
        <li>
          <p>{confirm.staleAbout}</p>
        </li>
        {changes.map(({ rule, part, transition, before, after }) => (
          <li key={`${rule} ${part} ${transition}`}>
            <p>
              <b>{labels.get(rule) ?? rule}</b>
              <del className="was">{plannedText(before)}</del> <ins className="now">{plannedText(after)}</ins>
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

const plannedText = (planned: Change['before']): string =>
  planned ? confirm.planned(words[planned.action as Action], planned.count) : confirm.absent;

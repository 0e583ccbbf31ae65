import { FateBar, FateTally } from '../../../components/fate';
import { Icon } from '../../../components/icon';
import { leave as texts } from '../../../texts/leave';
import { addCounts, changesOf, type FoldedRule } from '../plan/fold';
import type { Choosing } from '../plan/choosing';

const { choose } = texts;

interface SummaryProps {
  rules: readonly FoldedRule[];
  /** Nothing could be counted. */
  isUnknown: boolean;
  isCounting: boolean;
  isKept: boolean;
  canGoOn: boolean;
  choosing: Choosing;
  onNext: () => void;
  onBack: () => void;
  onPolicy: () => void;
}

/** The sums, beside the table or at the foot of a phone. */
export function Summary({
  rules,
  isUnknown,
  isCounting,
  isKept,
  canGoOn,
  choosing,
  onNext,
  onBack,
  onPolicy,
}: SummaryProps) {
  const counts = addCounts(rules.map((rule) => rule.counts));
  const differing = rules.filter(({ differs }) => differs).length;
  const isChosen = Object.keys({ ...choosing.choices.overrides, ...choosing.choices.successors }).length > 0;
  const next = () => canGoOn && onNext();
  return (
    <>
      <aside className="rail" aria-label={choose.summary}>
        <section className="panel" hidden={isUnknown}>
          <header>
            <h2>{choose.summary}</h2>
            <span className="muted xs push" role="status">
              {isCounting ? choose.counting : ''}
            </span>
          </header>
          <div className="body stack">
            <FateBar counts={counts} />
            <FateTally counts={counts} />
          </div>
          {(differing > 0 || isChosen) && (
            <footer className="small">
              <span className="diff">
                <Icon name="differs" />
                {choose.differ(differing)}
              </span>
              <button className="text-btn" type="button" onClick={onPolicy}>
                {choose.usePolicyAll}
              </button>
            </footer>
          )}
        </section>
        <div className="stack actions-below">
          <button className="btn primary block" type="button" aria-disabled={!canGoOn} onClick={next}>
            {choose.next}
          </button>
          <button className="btn quiet block" type="button" onClick={onBack}>
            {choose.back}
          </button>
        </div>
        <p className="xs muted">{isKept ? choose.counted : choose.notSaved}</p>
      </aside>
      <div className="wizard-foot">
        <p hidden={isUnknown}>
          <b>{texts.confirm.statement(counts.hands + counts.ends, servicesOf(rules), counts.stays)}</b>{' '}
          {counts.destroyed > 0 && <span className="fate destroyed">{choose.tally.destroyed(counts.destroyed)}</span>}
        </p>
        <button className="btn primary" type="button" aria-disabled={!canGoOn} onClick={next}>
          {choose.next}
        </button>
      </div>
    </>
  );
}

/** Services in which something changes. */
export const servicesOf = (rules: readonly FoldedRule[]): number =>
  new Set(rules.filter(({ counts }) => changesOf(counts) > 0).map(({ service }) => service)).size;

import { fates } from '../texts/fates';
import { number } from '../texts/numbers';
import { Icon } from './icon';

/** What becomes of a thing, in the order in which it is always shown. */
export const FATES = ['hands', 'ends', 'destroyed', 'stays'] as const;
export type Fate = (typeof FATES)[number];

/** The sign alone, beside a word that says the same. */
export function FateIcon({ fate }: { fate: Fate }) {
  return (
    <span className={`fate-icon ${fate}`}>
      <Icon name={fate} />
    </span>
  );
}

/** `change hands`, `end`, `are destroyed`, `stay`, always with the same sign. */
export function FateWord({ fate, count = 1 }: { fate: Fate; count?: number }) {
  return (
    <span className={count === 0 ? 'fate' : `fate ${fate}`}>
      <Icon name={fate} />
      {fates.word(fate, count)}
    </span>
  );
}

export type FateCounts = Readonly<Record<Fate, number>>;

/** The proportions. It repeats what the numbers beside it say, so it is hidden from screen readers. */
export function FateBar({ counts }: { counts: FateCounts }) {
  const total = FATES.reduce((sum, fate) => sum + counts[fate], 0);
  let start = 0;
  return (
    <svg className="fate-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      {FATES.filter((fate) => counts[fate] > 0).map((fate) => {
        const width = (counts[fate] / total) * 100;
        const x = start;
        start += width;
        return <rect key={fate} className={fate} x={x} y={0} width={Math.max(width - 0.4, 0.6)} height={8} />;
      })}
    </svg>
  );
}

/** A line for each fate, with its number. */
export function FateTally({ counts, notes = {} }: { counts: FateCounts; notes?: Partial<Record<Fate, string>> }) {
  return (
    <dl className="tally">
      {FATES.map((fate) => (
        <div key={fate}>
          <dt>
            <FateWord fate={fate} count={counts[fate]} />
          </dt>
          <dd>{number(counts[fate])}</dd>
          {notes[fate] && <dd className="sub">{notes[fate]}</dd>}
        </div>
      ))}
    </dl>
  );
}

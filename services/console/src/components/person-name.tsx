interface AvatarProps {
  name: string;
  size?: 'tiny' | 'big';
}

/** The initials. Names of one word have one. */
export function Avatar({ name, size }: AvatarProps) {
  return (
    <span className={size ? `avatar ${size}` : 'avatar'} aria-hidden="true">
      {initialsOf(name)}
    </span>
  );
}

const SEGMENTS = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Of the first and the last word that begin with a letter; titles like `Dr.` do not count. */
function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word) && !word.endsWith('.'));
  const chosen = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return chosen.map((word) => [...SEGMENTS.segment(word)][0]!.segment).join('') || '·';
}

/** A name that somebody has typed: written in its own direction, whatever stands beside it. */
export function PersonName({ children }: { children: string }) {
  return <bdi>{children}</bdi>;
}

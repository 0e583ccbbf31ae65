const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** The number of characters as JSON Schema counts them: code points, so that a surrogate pair counts once. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

/**
 * The beginning of a text that has at most `max` characters, cut where a reader sees a border: never within an emoji, a
 * letter with its accents or a surrogate pair. Only a first letter that is longer than `max` by itself is cut within.
 */
export function cutText(text: string, max: number): string {
  // No text has more characters than UTF-16 units.
  if (text.length <= max) return text;
  const { fitting, next } = splitAt(text, max);
  if (next === '') return text;
  let end = 0;
  // One character more than fits decides whether there is a border.
  for (const { index, segment } of graphemes.segment(fitting + next)) {
    if (index + segment.length > fitting.length) break;
    end = index + segment.length;
  }
  return end === 0 ? fitting : fitting.slice(0, end);
}

/** The first `count` characters, and the one after them. */
function splitAt(text: string, count: number): { fitting: string; next: string } {
  let [at, end] = [0, 0];
  for (const character of text) {
    if (at++ === count) return { fitting: text.slice(0, end), next: character };
    end += character.length;
  }
  return { fitting: text, next: '' };
}

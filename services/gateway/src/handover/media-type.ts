/** A media range of an `Accept` header, such as `text/*`, with its weight. */
interface Range {
  type: string;
  subtype: string;
  weight: number;
}

/**
 * The format whose media type the client prefers (RFC 9110, 12.5.1). Of equally good ones the first, and the first one too if the client
 * accepts none of them.
 * @param types media types by format
 */
export function preferred<Format extends string>(accept: string, types: Readonly<Record<Format, string>>): Format {
  const ranges = accept.split(',').flatMap(rangeIn);
  const formats = Object.keys(types) as Format[];
  const weights = formats.map((format) => weightOf(types[format], ranges));
  const best = Math.max(...weights);
  return formats[best > 0 ? weights.indexOf(best) : 0]!;
}

function rangeIn(text: string): Range[] {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const [type, subtype] = range.split('/');
  if (!type || !subtype) return [];
  const given = parameters.find((parameter) => parameter.startsWith('q='));
  const weight = given === undefined ? 1 : Number(given.slice(2));
  return Number.isNaN(weight) ? [] : [{ type, subtype, weight }];
}

/** The weight of the most specific range that matches. */
function weightOf(mediaType: string, ranges: readonly Range[]): number {
  const [type, subtype] = mediaType.split('/');
  const matching = [
    ranges.find((range) => range.type === type && range.subtype === subtype),
    ranges.find((range) => range.type === type && range.subtype === '*'),
    ranges.find((range) => range.type === '*' && range.subtype === '*'),
  ];
  return matching.find((range) => range !== undefined)?.weight ?? 0;
}

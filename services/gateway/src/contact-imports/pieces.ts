/** Splits a stream into chunks of `size` bytes; the last one may be shorter. Holds at most one chunk in memory. */
export async function* inPieces(source: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of source) {
    for (let rest = chunk; rest.length > 0;) {
      const part = rest.subarray(0, size - length);
      rest = rest.subarray(part.length);
      parts.push(part);
      length += part.length;
      if (length < size) continue;
      yield Buffer.concat(parts);
      [parts, length] = [[], 0];
    }
  }
  if (length > 0) yield Buffer.concat(parts);
}

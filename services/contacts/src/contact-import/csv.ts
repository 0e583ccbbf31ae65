import { CsvError, parse, type CsvErrorCode, type Parser } from 'csv-parse';
import { pipeline, Readable } from 'node:stream';
import { BadFile } from './bad-file.js';

/** A quotation mark that is never closed must not swallow the rest of a long file. */
const LONGEST_RECORD = 100_000;

/**
 * The records of a CSV file (RFC 4180, in UTF-8, with or without a byte order mark, any line ends), some at a time; empty
 * lines are left out. Holds a piece or two of the file, however long it is.
 * @throws BadFile when the bytes are no text, or the quoting is broken
 */
export async function* readRecords(pieces: AsyncIterable<Buffer>): AsyncGenerator<string[][]> {
  const parser = parse({
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: LONGEST_RECORD,
  });
  // What fails on the way is thrown by the parser when it is read.
  pipeline(Readable.from(checked(pieces), { highWaterMark: 1 }), parser, () => undefined);
  try {
    for await (const record of parser as AsyncIterable<string[]>) yield [record, ...readyIn(parser)];
  } catch (error) {
    throw error instanceof CsvError ? new BadFile(inWords(error)) : error;
  }
}

/** What a piece of the file has brought: a million times to wait for the next record would take as long as to parse them. */
function* readyIn(parser: Parser): Generator<string[]> {
  for (let record; (record = parser.read() as string[] | null);) yield record;
}

/** The parser would put a replacement character for what is no text. */
async function* checked(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const check = (piece?: Buffer) => {
    try {
      decoder.decode(piece, { stream: piece !== undefined });
    } catch {
      throw new BadFile('The file is not text in UTF-8. Save it as “CSV UTF-8”.');
    }
  };
  for await (const piece of pieces) {
    check(piece);
    yield piece;
  }
  check();
}

const FAULTS: Partial<Record<CsvErrorCode, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quotation mark is never closed',
  CSV_INVALID_CLOSING_QUOTE: 'text follows a closing quotation mark',
  INVALID_OPENING_QUOTE: 'a quotation mark stands within a field that does not begin with one',
  CSV_MAX_RECORD_SIZE: 'a row is too long; a quotation mark may not be closed',
};

function inWords(error: CsvError): string {
  const { lines } = error as { lines?: unknown };
  const fault = FAULTS[error.code] ?? 'it is not valid CSV';
  return typeof lines === 'number' ? `Line ${lines}: ${fault}.` : `The file cannot be read: ${fault}.`;
}

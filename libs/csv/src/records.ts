import { CsvError, parse, type CsvErrorCode, type Parser } from 'csv-parse';
import { pipeline, Readable } from 'node:stream';
import { BadFile } from './bad-file.js';

/** Maximum size of a record, so that an unclosed quotation mark does not buffer the rest of a long file. */
const MAX_RECORD_SIZE = 100_000;

type Pieces = AsyncIterable<Buffer> | Iterable<Buffer>;

/**
 * Yields the records of a CSV file (RFC 4180, UTF-8, optional byte order mark, any line ends) in groups, each with as many
 * fields as it has, and skips empty lines. Keeps at most two pieces of the file in memory.
 * @throws BadFile if the bytes are not UTF-8, or the quoting is invalid: then the start of the next row is unknown
 */
export async function* readRecords(pieces: Pieces): AsyncGenerator<string[][]> {
  const parser = parse({
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    // Removes blanks between a separator and a quotation mark.
    trim: true,
    max_record_size: MAX_RECORD_SIZE,
  });
  // An error in the pipeline is thrown when the parser is read.
  pipeline(Readable.from(checked(pieces), { highWaterMark: 1 }), parser, () => undefined);
  try {
    for await (const record of parser as AsyncIterable<string[]>) yield [record, ...bufferedIn(parser)];
  } catch (error) {
    throw error instanceof CsvError ? new BadFile(messageOf(error)) : error;
  }
}

/** Yields the records already parsed: awaiting each of a million records would take as long as parsing them. */
function* bufferedIn(parser: Parser): Generator<string[]> {
  for (let record; (record = parser.read() as string[] | null);) yield record;
}

/** Rejects invalid UTF-8, which the parser would turn into replacement characters. */
async function* checked(pieces: Pieces): AsyncGenerator<Buffer> {
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
  CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE: 'text follows a closing quotation mark',
  INVALID_OPENING_QUOTE: 'a field that does not begin with a quotation mark contains one',
  CSV_MAX_RECORD_SIZE: 'a row is too long, perhaps because a quotation mark is not closed',
};

function messageOf(error: CsvError): string {
  const { lines } = error as { lines?: unknown };
  const fault = FAULTS[error.code] ?? 'it is not valid CSV';
  return typeof lines === 'number' ? `Line ${lines}: ${fault}.` : `The file cannot be read: ${fault}.`;
}

import { constants, crc32, deflateRawSync } from 'node:zlib';

/** A file of the archive, as far as it has been written. */
export interface ZipEntry {
  name: string;
  /** Where it begins in the archive. */
  offset: number;
  crc: number;
  /** Bytes before and after the compression. */
  size: number;
  packed: number;
}

/** Everything that is needed to go on with an archive. It is small and is stored with each step. */
export interface ZipState {
  /** Bytes written so far. */
  offset: number;
  entries: ZipEntry[];
  open?: ZipEntry;
}

/** The archive or one of its files is larger than the format holds without Zip64. */
export class ZipTooLarge extends Error {}

const MOST = 0xffff_ffff;
const MOST_ENTRIES = 0xffff;
const [LOCAL, DESCRIPTOR, CENTRAL, END] = [0x04034b50, 0x08074b50, 0x02014b50, 0x06054b50];
const VERSION = 20;
/** Sizes follow the content; names are in UTF-8. */
const FLAGS = 0x0808;
const DEFLATE = 8;
/** The first of January 1980: a file has no time of its own. */
const DATE = 0x0021;
/** A last block without content. */
const END_OF_STREAM = Buffer.from([0x03, 0x00]);

/**
 * Writes a ZIP archive that can be continued by another process: each piece of a file is compressed by itself and ends at a
 * byte (`Z_SYNC_FLUSH`), so that nothing of the compression has to be remembered. Libraries keep that in memory.
 */
export class ZipFile {
  private readonly pieces: Buffer[] = [];

  constructor(readonly state: ZipState = { offset: 0, entries: [] }) {}

  /** Adds to the file with this name. Another name ends the file that is open. A file cannot be continued after its end. */
  add(name: string, content: string): void {
    if (this.state.open?.name !== name) this.begin(name);
    const entry = this.state.open!;
    const bytes = Buffer.from(content);
    const packed = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
    entry.crc = crc32(bytes, entry.crc);
    entry.size += bytes.length;
    this.append(entry, packed);
    if (entry.size > MOST) throw new ZipTooLarge();
  }

  /** Ends the archive. */
  end(): void {
    this.endEntry();
    const { entries, offset } = this.state;
    if (entries.length > MOST_ENTRIES) throw new ZipTooLarge();
    for (const entry of entries) this.write(directoryEntry(entry));
    const size = this.state.offset - offset;
    const end = Buffer.alloc(22);
    end.writeUInt32LE(END, 0);
    end.writeUInt16LE(entries.length, 8);
    end.writeUInt16LE(entries.length, 10);
    end.writeUInt32LE(size, 12);
    end.writeUInt32LE(offset, 16);
    this.write(end);
  }

  /** The bytes since the last call. */
  take(): Buffer {
    return Buffer.concat(this.pieces.splice(0));
  }

  private begin(name: string): void {
    this.endEntry();
    const entry = { name, offset: this.state.offset, crc: 0, size: 0, packed: 0 };
    const bytes = Buffer.from(name);
    const header = Buffer.alloc(30);
    header.writeUInt32LE(LOCAL, 0);
    writeCommon(header, 4, entry, { sizes: false });
    header.writeUInt16LE(bytes.length, 26);
    this.write(Buffer.concat([header, bytes]));
    this.state.open = entry;
  }

  private endEntry(): void {
    const entry = this.state.open;
    if (!entry) return;
    this.append(entry, END_OF_STREAM);
    const descriptor = Buffer.alloc(16);
    descriptor.writeUInt32LE(DESCRIPTOR, 0);
    writeSizes(descriptor, 4, entry);
    this.write(descriptor);
    this.state.entries.push(entry);
    delete this.state.open;
  }

  private append(entry: ZipEntry, bytes: Buffer): void {
    entry.packed += bytes.length;
    this.write(bytes);
  }

  private write(bytes: Buffer): void {
    this.state.offset += bytes.length;
    if (this.state.offset > MOST) throw new ZipTooLarge();
    this.pieces.push(bytes);
  }
}

function directoryEntry(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.name);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(CENTRAL, 0);
  header.writeUInt16LE(VERSION, 4);
  writeCommon(header, 6, entry, { sizes: true });
  header.writeUInt16LE(name.length, 28);
  header.writeUInt32LE(entry.offset, 42);
  return Buffer.concat([header, name]);
}

/** The fields that the headers before the content and in the directory share. */
function writeCommon(header: Buffer, at: number, entry: ZipEntry, { sizes }: { sizes: boolean }): void {
  header.writeUInt16LE(VERSION, at);
  header.writeUInt16LE(FLAGS, at + 2);
  header.writeUInt16LE(DEFLATE, at + 4);
  header.writeUInt16LE(DATE, at + 8);
  if (sizes) writeSizes(header, at + 10, entry);
}

function writeSizes(header: Buffer, at: number, { crc, packed, size }: ZipEntry): void {
  header.writeUInt32LE(crc, at);
  header.writeUInt32LE(packed, at + 4);
  header.writeUInt32LE(size, at + 8);
}

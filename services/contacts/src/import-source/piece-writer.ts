import { IMPORT_CHUNK_BYTES } from '#libs/contracts';
import { Writable } from 'node:stream';

/** Splits a stream into pieces of `IMPORT_CHUNK_BYTES`. Accepts no more data until a piece has been stored. */
export class PieceWriter extends Writable {
  /** Number of bytes received. */
  bytes = 0;
  /** The error of `keep`; the writing side may see only that the stream was closed. */
  fault: unknown;
  private held: Buffer[] = [];
  private room = IMPORT_CHUNK_BYTES;

  /**
   * @param most the number of bytes that are expected; further bytes are counted but not stored
   * @param keep stores a piece
   */
  constructor(
    private readonly most: number,
    private readonly keep: (piece: Buffer) => Promise<void>,
  ) {
    super();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    const wanted = chunk.subarray(0, Math.max(0, this.most - this.bytes));
    this.bytes += chunk.length;
    this.finish(this.buffer(wanted), done);
  }

  override _final(done: (error?: Error) => void): void {
    this.finish(this.flush(), done);
  }

  private async buffer(chunk: Buffer): Promise<void> {
    for (let rest = chunk; rest.length > 0;) {
      const part = rest.subarray(0, this.room);
      this.held.push(part);
      this.room -= part.length;
      rest = rest.subarray(part.length);
      if (this.room === 0) await this.flush();
    }
  }

  private async flush(): Promise<void> {
    if (this.held.length === 0) return;
    const piece = Buffer.concat(this.held);
    this.held = [];
    this.room = IMPORT_CHUNK_BYTES;
    await this.keep(piece);
  }

  private finish(work: Promise<void>, done: (error?: Error) => void): void {
    work.then(
      () => done(),
      (error: Error) => {
        this.fault = error;
        done(error);
      },
    );
  }
}

import { IMPORT_CHUNK_BYTES } from '#libs/contracts';
import { Writable } from 'node:stream';

/** Cuts what comes into pieces of `IMPORT_CHUNK_BYTES`, and takes no more before a piece is kept. */
export class PieceWriter extends Writable {
  /** How many bytes have come. */
  bytes = 0;
  /** What `keep` failed with; whoever writes may only see that writing has ended. */
  fault: unknown;
  private held: Buffer[] = [];
  private room = IMPORT_CHUNK_BYTES;

  /** @param most bytes that are expected: what comes beyond is counted and not kept */
  constructor(
    private readonly most: number,
    private readonly keep: (piece: Buffer) => Promise<void>,
  ) {
    super();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    const wanted = chunk.subarray(0, Math.max(0, this.most - this.bytes));
    this.bytes += chunk.length;
    this.settle(this.hold(wanted), done);
  }

  override _final(done: (error?: Error) => void): void {
    this.settle(this.pass(), done);
  }

  private async hold(chunk: Buffer): Promise<void> {
    for (let rest = chunk; rest.length > 0;) {
      const part = rest.subarray(0, this.room);
      this.held.push(part);
      this.room -= part.length;
      rest = rest.subarray(part.length);
      if (this.room === 0) await this.pass();
    }
  }

  private async pass(): Promise<void> {
    if (this.held.length === 0) return;
    const piece = Buffer.concat(this.held);
    this.held = [];
    this.room = IMPORT_CHUNK_BYTES;
    await this.keep(piece);
  }

  private settle(work: Promise<void>, done: (error?: Error) => void): void {
    work.then(
      () => done(),
      (error: Error) => {
        this.fault = error;
        done(error);
      },
    );
  }
}

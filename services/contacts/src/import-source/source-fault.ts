import type { SourceError } from '#libs/contracts';

/** The reason why a source cannot be used, as an error code. */
export class SourceFault extends Error {
  constructor(
    readonly code: SourceError,
    options?: { cause?: unknown; offeredHostKey?: string },
  ) {
    super(code, { cause: options?.cause });
    this.offeredHostKey = options?.offeredHostKey;
  }

  readonly offeredHostKey?: string;
}

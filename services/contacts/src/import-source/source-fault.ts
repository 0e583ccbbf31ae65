import type { SourceError } from '#libs/contracts';

/** Why a source cannot be used, in words of the error table. */
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

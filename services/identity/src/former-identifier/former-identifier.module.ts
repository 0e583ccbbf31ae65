import { Module } from '@nestjs/common';
import { FormerIdentifiers } from './former-identifiers.js';
import { LeaverDigests } from './leaver-digests.js';

/** What users were called before. */
@Module({
  providers: [FormerIdentifiers, LeaverDigests],
  exports: [FormerIdentifiers, LeaverDigests],
})
export class FormerIdentifierModule {}

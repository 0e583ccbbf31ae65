import { Injectable } from '@nestjs/common';
import type { BulkFile, BulkRequest } from '#libs/contracts';
import { TellingChecks } from '../../plan/guards/telling-checks.js';
import { BulkRequests } from './bulk-requests.js';

/** Checks what the contacts of a list are to be told, before a transaction. */
@Injectable()
export class ListTelling {
  constructor(
    private readonly requests: BulkRequests,
    private readonly checks: TellingChecks,
  ) {}

  /** @throws Problem `validation`, `unknown-reference`, `service-unavailable` */
  async check(accountId: string, body: BulkRequest | BulkFile): Promise<void> {
    const tellContacts = 'tellContacts' in body ? body.tellContacts : undefined;
    if (!tellContacts) return;
    const rows = await this.requests.rowsOf(accountId, body);
    await this.checks.check(
      accountId,
      rows.flatMap(({ userId }) => userId ?? []),
      tellContacts,
    );
  }
}

import { assertNoOpenTransaction } from '#libs/database';
import { Injectable } from '@nestjs/common';
import { Resolver } from 'node:dns/promises';
import { IdentityConfig } from '../../identity.config.js';

const TIMEOUT_MS = 3_000;
const TRIES = 2;
const PREFIX = '_leaver';
const KEY = 'leaver-domain-verification';

/** The TXT record with which an account proves that an email domain is its own. */
export const recordOf = (domain: string, token: string) => ({
  recordName: `${PREFIX}.${domain}`,
  recordValue: `${KEY}=${token}`,
});

/** Reads the TXT records of email domains. */
@Injectable()
export class DomainRecords {
  private readonly resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });

  constructor({ ssoDnsServers }: IdentityConfig) {
    if (ssoDnsServers !== undefined) this.resolver.setServers(ssoDnsServers.split(','));
  }

  /** Whether the record is there. A DNS that does not answer shows none. */
  async has(domain: string, token: string): Promise<boolean> {
    assertNoOpenTransaction('dns');
    const { recordName, recordValue } = recordOf(domain, token);
    // Nothing is lost: a name without records is the usual case, and the owner can ask again.
    const records = await this.resolver.resolveTxt(recordName).catch((): string[][] => []);
    return records.some((parts) => parts.join('') === recordValue);
  }
}

import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, ssoPathOf, type SsoBeginning, type SsoProofPurpose, type SsoReturn } from '#libs/contracts';
import { SIGN_IN_FAILED } from '../../audit/audit.js';
import { Occurrences } from '../../audit/occurrences.js';
import { Connections, type Connection } from '../connection/connections.js';
import { ProviderAnswers, type Identified } from '../provider/provider-answers.js';
import { Attempts, failed, TOO_LATE, type Attempt } from './attempts.js';
import { Entrance, type Returned } from './entrance.js';
import { Links } from './links.js';

interface Beginning {
  accountId: string;
  origin: string;
  returnTo?: string;
  proof?: { purpose: SsoProofPurpose; userId: string; sessionId: string };
}

const HOME = '/';
const NOT_SET_UP = 'The account has no identity provider.';

/** Sends browsers to the account's provider, and signs in who comes back. The provider is asked outside of transactions. */
@Injectable()
export class SsoSignIns {
  constructor(
    private readonly em: EntityManager,
    private readonly connections: Connections,
    private readonly attempts: Attempts,
    private readonly answers: ProviderAnswers,
    private readonly entrance: Entrance,
    private readonly links: Links,
    private readonly occurrences: Occurrences,
  ) {}

  /** @throws Problem `sso-failed` without a provider, for a proof `not-found`; `sso-provider-refused`; for a link `step-up-required` */
  async begin({ accountId, origin, returnTo = HOME, proof }: Beginning): Promise<SsoBeginning> {
    const connection = await (proof ? this.connections.get(accountId) : this.connections.find(accountId));
    if (!connection) throw failed(NOT_SET_UP);
    if (proof?.purpose === 'link') await this.entrance.requireProof(accountId, proof);
    const attempt = { accountId, returnTo, purpose: 'sign-in' as const, ...proof };
    const secrets = await this.em.transactional(() => this.attempts.begin(attempt));
    const anew = proof?.purpose === 'step-up';
    const url = await this.answers.url(connection, redirectUri(origin, accountId), secrets, { anew });
    return { url, browser: secrets.browser };
  }

  /** @throws Problem as the operation `auth.sso.callback` says */
  async finish({ accountId, origin, search, browser, client }: SsoReturn): Promise<Returned> {
    const address = new URL(redirectUri(origin, accountId) + search);
    const state = address.searchParams.get('state');
    const taken = state === null ? undefined : await this.em.transactional(() => this.attempts.take(accountId, state));
    if (!taken) throw failed(TOO_LATE);
    const attempt = taken(browser);
    const connection = await this.connections.find(accountId);
    if (!connection) throw failed(NOT_SET_UP);
    let identified: Identified | undefined;
    try {
      const known = (identified = await this.answers.read(connection, address, attempt));
      return await this.em.transactional(() => this.entrance.enter({ connection, identified: known, attempt, client }));
    } catch (error) {
      if (error instanceof Problem) await this.recordFailure(connection, attempt, identified);
      throw error;
    }
  }

  private async recordFailure(
    { accountId, issuer }: Connection,
    { userId }: Attempt,
    identified: Identified | undefined,
  ): Promise<void> {
    const subject = identified && { accountId, issuer, subject: identified.subject };
    const subjectId = userId ?? (subject && (await this.links.personOf(subject))?.id);
    this.occurrences.record({ accountId, action: SIGN_IN_FAILED, system: 'sso', subjectId, counted: true });
  }
}

const redirectUri = (origin: string, accountId: string): string => origin + ssoPathOf(accountId, 'callback');

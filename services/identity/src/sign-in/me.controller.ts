import { Controller } from '@nestjs/common';
import { Answers, Handles } from '#libs/broker';
import {
  meGet,
  myApiTokensCreate,
  myApiTokensList,
  myApiTokensRevoke,
  mySessionsEnd,
  mySessionsList,
  Problem,
  sessionSnapshot,
  type ApiToken,
  type CallOf,
  type CreatedApiToken,
  type Me,
  type Page,
  type Session,
  type SessionSnapshot,
} from '#libs/contracts';
import { ApiTokens } from '../api-token/api-tokens.js';
import { UserQueries } from '../user/user-queries.js';
import { SessionList } from '../session/session-list.js';
import { Sessions } from '../session/sessions.js';

@Controller()
export class MeController {
  constructor(
    private readonly users: UserQueries,
    private readonly sessions: Sessions,
    private readonly list: SessionList,
    private readonly apiTokens: ApiTokens,
  ) {}

  @Handles(meGet)
  async me({ principal }: CallOf<typeof meGet>): Promise<Me> {
    return { ...(await this.users.get(principal, principal.userId)), accountId: principal.accountId };
  }

  @Handles(mySessionsList)
  listSessions({ principal, query }: CallOf<typeof mySessionsList>): Promise<Page<Session>> {
    return this.list.page(principal, query);
  }

  @Handles(mySessionsEnd)
  async endSession({ principal, params }: CallOf<typeof mySessionsEnd>): Promise<void> {
    const ended = await this.sessions.end(principal.userId, { id: params.id! });
    if (!ended) throw new Problem('not-found', { detail: 'There is no such session.' });
  }

  @Handles(myApiTokensCreate)
  createApiToken({ principal, body }: CallOf<typeof myApiTokensCreate>): Promise<CreatedApiToken> {
    return this.apiTokens.create(principal, body);
  }

  @Handles(myApiTokensList)
  listApiTokens({ principal, query }: CallOf<typeof myApiTokensList>): Promise<Page<ApiToken>> {
    return this.apiTokens.page(principal.userId, query);
  }

  @Handles(myApiTokensRevoke)
  revokeApiToken({ principal, params }: CallOf<typeof myApiTokensRevoke>): Promise<void> {
    return this.apiTokens.revoke(principal, params.id!);
  }

  @Answers(sessionSnapshot, { acrossAccounts: 'Services learn of the ended sessions of all accounts.' })
  snapshot({ since }: { since: string | null }): Promise<SessionSnapshot> {
    return this.list.snapshot(since);
  }
}

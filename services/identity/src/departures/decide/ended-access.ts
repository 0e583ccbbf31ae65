import { Injectable } from '@nestjs/common';
import { ApiTokens } from '../../api-token/api-tokens.js';
import { Sessions } from '../../session/sessions.js';

/** Sessions and API tokens after a decision. */
@Injectable()
export class EndedAccess {
  constructor(
    private readonly sessions: Sessions,
    private readonly apiTokens: ApiTokens,
  ) {}

  /** Invalidates all access tokens issued so far. */
  async renewClaims(userIds: readonly string[]): Promise<void> {
    await this.sessions.renewClaims(userIds);
  }

  /** A reactivation stops the rules' tasks. Sessions and tokens that they have not revoked yet must not become valid again. */
  async revokeRest(userIds: readonly string[]): Promise<void> {
    await this.sessions.endAll(userIds);
    await this.apiTokens.revokeAll(userIds);
  }
}

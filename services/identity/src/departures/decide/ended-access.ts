import { Injectable } from '@nestjs/common';
import { ApiTokens } from '../../api-token/api-tokens.js';
import { MailedLinks } from '../../invitation/mailed-links.js';
import { Sessions } from '../../session/sessions.js';

/** Sessions, API tokens and mailed links after a decision. */
@Injectable()
export class EndedAccess {
  constructor(
    private readonly sessions: Sessions,
    private readonly apiTokens: ApiTokens,
    private readonly links: MailedLinks,
  ) {}

  /** Invalidates all access tokens issued so far. */
  async renewClaims(userIds: readonly string[]): Promise<void> {
    await this.sessions.renewClaims(userIds);
  }

  /** Invitations and reset tokens that the users were sent before do not let them in after a decision. */
  async endMailedLinks(userIds: readonly string[]): Promise<void> {
    await this.links.end(userIds);
  }

  /** A reactivation stops the rules' tasks. Sessions and tokens that they have not revoked yet must not become valid again. */
  async revokeRest(userIds: readonly string[]): Promise<void> {
    await this.sessions.endAll(userIds);
    await this.apiTokens.revokeAll(userIds);
  }
}

import { Injectable } from '@nestjs/common';
import { Problem, type ScimResponse } from '#libs/contracts';
import { Audit, actorOf } from '../../audit/audit.js';
import { Sessions } from '../../session/sessions.js';
import type { Provider } from '../provider.js';

/** Users of whom a guard has refused that they leave. */
@Injectable()
export class RefusedLeavers {
  constructor(
    private readonly sessions: Sessions,
    private readonly audit: Audit,
  ) {}

  /** @throws the error, unless it is a guard's that leaves the user only without sessions */
  async endSessions(provider: Provider, id: string, error: unknown): Promise<ScimResponse> {
    if (!(error instanceof Problem) || (error.code !== 'sole-owner' && error.code !== 'legal-hold')) throw error;
    await this.sessions.endAll([id]);
    const { accountId } = provider;
    const detail = { reason: error.code };
    await this.audit.append([{ accountId, action: 'sessions.ended', ...actorOf(provider), subjectId: id, detail }]);
    return { refused: error.toBody() };
  }
}

import { Injectable } from '@nestjs/common';
import { Problem, type ScimResponse } from '#libs/contracts';
import { actorOf, Audit } from '../audit/audit.js';
import type { Provider } from './provider.js';

/** Refuses what an identity provider may not do, and records the attempt. */
@Injectable()
export class ProviderRefusals {
  constructor(private readonly audit: Audit) {}

  /** The refusal is returned instead of thrown, because the entry about it must be committed. */
  async refuse(provider: Provider, detail: string, subjectId?: string): Promise<ScimResponse> {
    const { accountId } = provider;
    await this.audit.append([{ accountId, action: 'scim.refused', ...actorOf(provider), subjectId }]);
    return { refused: new Problem('forbidden', { detail }).toBody() };
  }
}

import type { Json } from '../../support/api.js';
import { Company } from './company.js';

/** An outdoor shop, preset crm. */
export class HarborPine extends Company {
  async leaveAndReturn(): Promise<void> {
    await this.world.leave(await this.asOwner(), this.id.maya!, 'deactivate', { reason: 'Sabbatical' });
    await this.world.pass(1);
    await this.world.leave(await this.asOwner(), this.id.maya!, 'reactivate', { restore: 'all' });
    const owner = await this.asOwner();
    const effectiveAt = this.world.inDays(1);
    const scheduled = await owner.post<{ id: string }>(`/v1/users/${this.id.kenji}/deactivate`, { effectiveAt });
    await owner.post(`/v1/departures/${scheduled.id}/cancel`);
    const returnAt = this.world.inDays(7);
    await this.world.leave(owner, this.id.lena!, 'deactivate', { returnAt });
  }

  async checkReturn(): Promise<void> {
    const { status } = await (await this.asOwner()).get(`/v1/users/${this.id.lena}`);
    if (status !== 'active') throw new Error(`Lena is ${String(status)} after her leave`);
  }

  /** Paul leaves with a private email that is to be deleted, and is then put under legal hold. */
  async holdEffects(): Promise<void> {
    await this.writePrivately('paul');
    const departure = await this.world.leave(await this.asOwner(), this.id.paul!, 'deactivate');
    const line = this.world.checkout.linesOf(departure).find(({ dueAt }) => dueAt);
    await (await this.asOwner()).put(`/v1/users/${this.id.paul}/legal-hold`, { reason: 'Smith v. Acme' });
    this.facts.held = { ...this.subject('paul', departure), dueAt: line!.dueAt! };
  }

  async leaveWithUndo(): Promise<void> {
    const owner = await this.asOwner();
    const contacts = await owner.all(`/v1/contacts?assignee=${this.id.tomas}`);
    const automations = await owner.all<{ id: string; ownerId: string }>('/v1/automations');
    const overrides = { 'contacts.assignments': 'unassign' };
    const departure = await this.world.leave(owner, this.id.tomas!, 'deactivate', { overrides });
    const own = automations.filter(({ ownerId }) => ownerId === this.id.tomas);
    if (contacts.length === 0 || own.length === 0) throw new Error('Tomás has nothing that could come back');
    this.facts.restorable = {
      ...this.subject('tomas', departure),
      automationIds: own.map(({ id }) => id),
      contacts: contacts.length,
    };
  }

  async schedule(): Promise<void> {
    const owner = await this.asOwner();
    const effectiveAt = this.world.inDays(2);
    const scheduled = await owner.post<{ id: string }>(`/v1/users/${this.id.kenji}/deactivate`, { effectiveAt });
    this.facts.scheduled = { ...this.subject('kenji', scheduled), effectiveAt };
    this.hasNotLeft('maya', 'aisha');
  }

  /** Tokens of every kind. */
  async issueTokens(): Promise<void> {
    const owner = await this.asOwner();
    const email = this.email.aisha!;
    const password = this.world.checkout.DEMO_PASSWORD;
    const { accessToken, refreshToken } = await this.world.system.api().post('/v1/auth/login', { email, password });
    const { token } = await this.world.system.api(accessToken as string).post('/v1/me/api-tokens', { name: 'Nightly' });
    const newcomer = { name: 'Nils Newcomer', email: 'nils@harborpine.example.com', staffId: 'HP-200' };
    const { invitation } = await owner.post<{ invitation: { token: string } }>('/v1/users', newcomer);
    this.facts.access = {
      ...{ email, invitation: invitation.token, apiToken: token as string },
      ...{ accessToken: accessToken as string, refreshToken: refreshToken as string },
      passwordReset: await this.forgottenPassword(this.email.lena!),
    };
    await this.repeatableCall(email, accessToken as string);
  }

  private async forgottenPassword(email: string): Promise<{ email: string; token: string }> {
    const { system, checkout } = this.world;
    const nats = await checkout.connectNats({ url: system.brokerUrl('mailer'), name: 'recorder' });
    try {
      const mails = nats.subscribe('mail.requested', { max: 1 });
      await nats.flush();
      await system.api().post('/v1/auth/password-reset', { email });
      for await (const mail of mails) return { email, token: mail.json<{ token: string }>().token };
      throw new Error('no mail was asked for');
    } finally {
      await nats.close();
    }
  }

  private async repeatableCall(email: string, token: string): Promise<void> {
    const path = '/v1/segments';
    const key = 'a segment, once';
    const body = { name: 'Made once', definition: { match: 'all', rules: [] } };
    const response = await fetch(`${this.world.system.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
    });
    if (response.status !== 201) throw new Error(`${path} → ${response.status}`);
    this.facts.repeated = { email, path, key, body, answer: (await response.json()) as Json };
  }
}

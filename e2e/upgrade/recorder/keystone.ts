import { Company } from './company.js';

/** A real estate office, preset calls. */
export class Keystone extends Company {
  async configure(): Promise<void> {
    const overrides = { 'messaging.live-chats': { deactivated: 'keep' }, 'contacts.records': { deleted: 'transfer' } };
    await (await this.asOwner()).put('/v1/policy', { preset: this.preset, overrides });
    await (await this.asOwner()).patch('/v1/account', { redactionLabel: 'with-id' });
    this.facts.policy = { owner: this.owner, overrides };
    await this.work();
  }

  /** Fills tables that the demo data leaves empty. */
  private async work(): Promise<void> {
    const owner = await this.asOwner();
    const first = async (path: string) => (await owner.get<{ items: { id: string }[] }>(path)).items[0]!.id;
    await owner.post(`/v1/automations/${await first('/v1/automations')}/runs`, { userId: this.id.becky });
    await owner.post(`/v1/assignment-rules/${await first('/v1/assignment-rules')}/assignments`);
    await owner.put(`/v1/live-chat-operators/${this.id.becky}`, { available: true, maxChats: 3 });
    const contactIds = [await first('/v1/contacts')];
    await owner.post(`/v1/numbers/${await first('/v1/numbers')}/contacts`, { contactIds });
    await owner.upload('/v1/contact-imports', 'ContactId,Name,Phone\nC-1001,Nobody,no number');
    const { id } = await owner.post<{ id: string }>('/v1/departures/verify');
    await this.world.checkout.eventually(
      async () => (await owner.get(`/v1/departures/verify/${id}`)).status === 'completed',
    );
  }

  /** Runs after the rotation of the signing key, so the certificate is signed with the second key. */
  async deleteFatima(): Promise<void> {
    const owner = await this.asOwner();
    const departure = await this.world.leave(owner, this.id.fatima!, 'delete');
    const { jws } = await owner.get<{ jws: string }>(`/v1/departures/${departure.id}/certificate`);
    this.facts.certificates!.push({ ...this.subject('fatima', departure), jws });
  }

  async startLeave(): Promise<void> {
    const owner = await this.asOwner();
    const returnAt = this.world.inDays(3);
    await this.world.leave(owner, this.id.dmitri!, 'deactivate', { returnAt });
    const { items } = await owner.get<{ items: { id: string; status: string }[] }>(
      `/v1/departures?userId=${this.id.dmitri}`,
    );
    this.facts.onLeave = {
      ...this.subject(
        'dmitri',
        items.find(({ status }) => status === 'scheduled')!,
      ),
      returnAt,
    };
    this.hasNotLeft('simone', 'becky');
  }
}

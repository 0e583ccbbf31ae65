import type { Json } from '../../support/api.js';
import { Company } from './company.js';

const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0';

/** A school, preset texting. Some of its people are provisioned through SCIM. */
export class Lakeside extends Company {
  async provision(): Promise<void> {
    await this.connectDirectory();
    await this.connectImports();
    await this.endOfTerm();
    const caretakerId = this.id.rosa!;
    await (await this.asOwner()).put(`/v1/users/${this.id.emily}/caretaker`, { caretakerId });
    this.facts.caretaker = { owner: this.owner, userId: this.id.emily!, caretakerId };
  }

  private async connectDirectory(): Promise<void> {
    const { token } = await (await this.asOwner()).post('/v1/account/scim-tokens', { name: 'Directory' });
    const scim = new this.world.checkout.ScimApi(this.world.system.url, token as string);
    const provision = async (givenName: string, index: number) => {
      const userName = `${givenName.toLowerCase()}.lane@lakeside.example.com`;
      const { status, body } = await scim.post('/Users', {
        ...{ schemas: [`${SCHEMA}:User`], userName, externalId: `00u-${index}`, active: true },
        ...{ name: { givenName, familyName: 'Lane' }, emails: [{ primary: true, value: userName, type: 'work' }] },
      });
      if (status !== 201) throw new Error(`${userName} → ${status}`);
      return body.id as string;
    };
    const ids: string[] = [];
    for (const [index, name] of ['Amy', 'Bill', 'Cora', 'Dave'].entries()) ids.push(await provision(name, index));
    const [amy, bill, cora, dave] = ids as [string, string, string, string];
    const group = {
      schemas: [`${SCHEMA}:Group`],
      displayName: 'Interns',
      members: [amy, bill].map((value) => ({ value })),
    };
    const { body } = await scim.post('/Groups', group);
    await scim.patch(`/Users/${cora}`, [{ op: 'replace', value: { active: false } }]);
    await scim.delete(`/Users/${dave}`);
    this.facts.scim = {
      ...{ token: token as string, groupId: body.id as string },
      ...{ activeIds: [amy, bill], deactivatedId: cora, deletedId: dave },
    };
  }

  private async connectImports(): Promise<void> {
    const password = 'of the server';
    const source = { kind: 'ftp', host: 'ftp.example.com', username: 'lakeside', password, active: false };
    const { id } = await (await this.asOwner()).post<{ id: string }>('/v1/import-sources', source);
    this.facts.importSource = { id, password };
  }

  /** Three people leave in one bulk departure, whose list also names an unknown one. Yusuf becomes an inbox, Grace is transferred. */
  private async endOfTerm(): Promise<void> {
    const { checkout } = this.world;
    const owner = await this.asOwner();
    const temps = ['T-1', 'T-2', 'T-3'];
    for (const staffId of temps) await this.hire(`Temp${staffId}`, staffId);
    const csv = ['staffId', ...temps, 'T-4'].join('\n');
    const { id } = await owner.upload<{ id: string }>('/v1/departures/bulk?transition=deactivated', csv);
    const { counts } = (await checkout.eventually(async () => {
      const bulk = await owner.get<{ status: string; counts: Record<string, number> }>(`/v1/departures/bulk/${id}`);
      return bulk.status === 'completed' && bulk;
    })) as { counts: Record<string, number> };
    this.facts.bulk = { owner: this.owner, id, counts };

    const inbox: Json = { name: 'Room 12', memberIds: [this.id.rosa] };
    await this.world.leave(owner, this.id.yusuf!, 'convert-to-shared-inbox', inbox);
    const successor = { name: 'Greta Newhouse', email: 'greta@lakeside.example.com', staffId: 'LHS-40' };
    await owner.post(`/v1/users/${this.id.grace}/transfer`, successor);
  }

  nameNewcomers(): void {
    this.hasNotLeft('marcus', 'rosa');
  }
}

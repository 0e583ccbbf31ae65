import { describe, it, expect, beforeAll, beforeEach, afterAll } from '@jest/globals';
import { NOBODY, publicScheduler, schedulerLinks, type Principal, type SchedulerLinkChanges } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { leaves, returns, startIntegrations } from '../testing/integrations.js';
import { SchedulerLink } from './scheduler-link.entity.js';

describe('meeting scheduler links', () => {
  let integrations: TestService;
  let robin: Principal;
  let admin: Principal;
  let slug: string;
  beforeAll(async () => {
    integrations = await startIntegrations();
  });
  afterAll(() => integrations.stop());
  beforeEach(async () => {
    robin = await integrations.person();
    admin = await integrations.person({ accountId: robin.accountId, roles: ['admin'] });
    slug = `robin-${integrations.ids.next().slice(-12)}`;
  });

  const create = (who = robin, more: object = {}) =>
    integrations.call(who, schedulerLinks.create, { body: { slug, title: 'Demo', ...more } });
  const update = (who: Principal, id: string, body: SchedulerLinkChanges) =>
    integrations.call(who, schedulerLinks.update, { params: { id }, body });
  const visit = (params = { slug }) => integrations.call(NOBODY, publicScheduler, { params });
  const gone = { code: 'gone', status: 410 };

  it('show the title and the host to anyone', async () => {
    expect(await create()).toMatchObject({ slug, url: `/m/${slug}`, status: 'active', owner: { id: robin.userId } });
    expect(await visit()).toEqual({ title: 'Demo', hostName: 'Robin Example' });
    await expect(visit({ slug: 'nowhere' })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('have a slug that is unique across accounts', async () => {
    await create();
    const stranger = await integrations.person();
    await expect(create(stranger)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('can be expired and activated by their owner and by managers', async () => {
    const { id } = await create();
    const colleague = await integrations.person({ accountId: robin.accountId });
    await expect(update(colleague, id, { status: 'expired' })).rejects.toMatchObject({ code: 'forbidden' });
    expect(await update(admin, id, { status: 'expired' })).toMatchObject({ expiredAt: expect.any(String) });
    await expect(visit()).rejects.toMatchObject(gone);
    expect(await update(robin, id, { status: 'active', title: 'Call' })).toMatchObject({ expiredAt: null });
    expect(await visit()).toMatchObject({ title: 'Call' });
  });

  it('are handed over with their slug, also after their owner has left', async () => {
    const { id } = await create();
    const { accountId } = robin;
    const kim = await integrations.person({ accountId, name: 'Kim Example' });
    const { userId } = await integrations.person({ accountId, name: 'Lee Example' });
    await update(robin, id, { ownerId: kim.userId });
    expect(await visit()).toEqual({ title: 'Demo', hostName: 'Kim Example' });
    await leaves(integrations, kim);
    expect(await update(admin, id, { ownerId: userId })).toMatchObject({ slug, status: 'expired' });
    await update(admin, id, { status: 'active' });
    expect(await visit()).toEqual({ title: 'Demo', hostName: 'Lee Example' });
  });

  it.each(['deactivated', 'deleted'] as const)('of a %s user answer 410 permanently', async (transition) => {
    const { id } = await create();
    await leaves(integrations, robin, transition);
    await expect(visit()).rejects.toMatchObject(gone);
    await expect(update(admin, id, { status: 'active' })).rejects.toMatchObject({ code: 'inactive-user' });
    await expect(create(admin, { slug: `${slug}-2`, ownerId: robin.userId })).rejects.toMatchObject({
      code: 'inactive-user',
    });
    await expect(create(admin)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('of a deleted user lose title and slug, and the slug stays reserved', async () => {
    const { id } = await create(robin, { title: 'Meet Robin' });
    await leaves(integrations, robin, 'deleted');
    const left = await integrations.em().findOneOrFail(SchedulerLink, { id });
    expect(left).toMatchObject({ title: 'Meeting', slug: expect.stringMatching(/^gone-[0-9a-f]{64}$/) });
    await expect(visit()).rejects.toMatchObject(gone);
    await expect(create(admin)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('answer 410 even before the departure’s rule has reached them', async () => {
    const { id } = await create();
    await leaves(integrations, robin);
    await integrations.em().nativeUpdate(SchedulerLink, { id }, { status: 'active' });
    await expect(visit()).rejects.toMatchObject(gone);
  });

  it('of a user who returns stay expired until the user activates them', async () => {
    const { id } = await create();
    await leaves(integrations, robin);
    await returns(integrations, robin);
    await expect(visit()).rejects.toMatchObject(gone);
    await update(robin, id, { status: 'active' });
    expect(await visit()).toMatchObject({ hostName: 'Robin Example' });
  });
});

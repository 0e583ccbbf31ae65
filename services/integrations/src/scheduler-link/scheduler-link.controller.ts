import { UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  Problem,
  publicScheduler,
  schedulerLinks,
  type Call,
  type NewSchedulerLink,
  type PublicSchedulerPage,
  type SchedulerLinkChanges,
  type SchedulerLinkStatus,
} from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { formerSlug } from './former-meeting-pages.js';
import { SchedulerLink, type SchedulerLinkRow } from './scheduler-link.entity.js';

const base = plainResource(schedulerLinks, {
  entity: SchedulerLink,
  shown: ['slug', 'title', 'status', 'createdAt', 'expiredAt'],
  people: ['ownerId'],
  mine: 'ownerId',
});

@Controller()
export class SchedulerLinkController extends base {
  override async prepare(call: Call): Promise<Partial<SchedulerLinkRow>> {
    const { status = 'active' } = call.body as NewSchedulerLink;
    return { ...(await super.prepare(call)), ...this.stateOf(status) };
  }

  override async insert(call: Pick<Call, 'principal'>, values: Partial<SchedulerLinkRow>): Promise<SchedulerLinkRow> {
    if (await this.em.findOne(SchedulerLink, { slug: formerSlug(values.slug!) })) throw taken();
    return super.insert(call, values).catch((error: unknown) => {
      if (error instanceof UniqueConstraintViolationException) throw taken();
      throw error;
    });
  }

  override async present(rows: readonly SchedulerLinkRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    return answers.map((answer, index) => ({ ...answer, url: `/m/${rows[index]!.slug}` }));
  }

  /** A link that expired with its owner's departure can be activated only after the owner has returned, or for another one. */
  override async prepareChange(link: SchedulerLinkRow, call: Call<SchedulerLinkChanges>): Promise<void> {
    await super.prepareChange(link, call);
    const { status, ownerId = link.ownerId } = call.body;
    if (status === 'active') await this.directory.requireActive(link.accountId, [ownerId]);
  }

  override async change(link: SchedulerLinkRow, { body }: Call<SchedulerLinkChanges>): Promise<void> {
    const changed = body.status && body.status !== link.status;
    const activated = changed && body.status === 'active';
    this.em.assign(link, {
      ...body,
      ...(changed && this.stateOf(body.status!)),
      ...(activated && { grantedAt: this.clock.now() }),
    });
  }

  /**
   * Open to anyone with the link. The host's status is checked too, because the departure's rule may not have reached
   * the link yet.
   */
  @Handles(publicScheduler, { acrossAccounts: 'The public page is found by its slug.' })
  async show({ params }: Call): Promise<PublicSchedulerPage> {
    const slug = params.slug!;
    const link = await this.em.findOne(SchedulerLink, { slug: { $in: [slug, formerSlug(slug)] } });
    if (!link) throw new Problem('not-found');
    const host = (await this.directory.view(link.ownerId))!;
    if (link.status === 'expired' || host.status === 'deactivated' || host.status === 'deleted')
      throw new Problem('gone', { detail: 'This meeting link has expired.' });
    return { title: link.title, hostName: host.name };
  }

  private stateOf(status: SchedulerLinkStatus) {
    return { status, expiredAt: status === 'expired' ? this.clock.now() : null };
  }
}

const taken = () => new Problem('conflict', { detail: 'This slug is taken. Choose another one.' });

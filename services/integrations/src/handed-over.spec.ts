import { handsOver, type HandoverCast } from '#libs/platform/testing';
import { aStorage, startIntegrations } from './testing/integrations.js';

/** Owner and receiver have access to the storage, the colleague does not. */
async function stored({ service, owner, receiver }: HandoverCast) {
  const { id: storageId } = await aStorage(service, owner, [owner.userId, receiver.userId]);
  return { title: 'Contract', storageId };
}

handsOver('integrations', startIntegrations, {
  apps: { body: { appId: 'dialer', accessToken: 'of-the-dialer' } },
  'document-templates': { body: stored },
  documents: { body: stored },
  'scheduler-links': { body: ({ service }) => ({ slug: `meet-${service.ids.next()}`, title: 'Demo' }) },
  webhooks: { body: { url: 'https://example.com/hook', events: ['app.installed'] } },
});

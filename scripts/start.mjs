// npm start: installs, builds and starts Leaver. Settings: PORT, HOST, LEAVER_HOME, NATS_URL, DATABASE_URL, LOG_LEVEL.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, isThisNode, main, run } from './lib/prepare.mjs';
import { root } from './lib/root.mjs';

await main(async () => {
  const node = await ensureInstalled();
  await ensureBuilt(node);
  if (!isThisNode(node)) return run(node, [join(root, 'scripts/launch.mjs')]);
  await import('./launch.mjs');
});

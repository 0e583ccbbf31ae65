// Imported first by scripts that people start without npm: on an older Node they continue on the one among the packages.
import { spawnSync } from 'node:child_process';
import { chooseNode, isRecentNode, main } from './prepare.mjs';

if (!isRecentNode()) {
  await main(() => spawnSync(chooseNode(), process.argv.slice(1), { stdio: 'inherit' }).status ?? 1);
  process.exit();
}

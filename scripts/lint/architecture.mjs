// Part of npm run lint: the borders between services, libraries, folders and modules, import cycles, the sizes of files, classes
// and folders, who writes the tables of departures, and how letter case is folded.
import '../lib/recent-node.mjs';
import { fileURLToPath } from 'node:url';
import { ACCEPTED } from './accepted.mjs';
import { forbiddenImports } from './borders.mjs';
import { strayDepartureWriters } from './departure-writers.mjs';
import { unusedDoors } from './doors.mjs';
import { ownFoldings } from './letter-case.mjs';
import { crowded, longFiles } from './sizes.mjs';
import { readSources } from './sources.mjs';

const sources = readSources(fileURLToPath(new URL('../..', import.meta.url)));
const large = crowded(sources, ACCEPTED);
const wrong = [
  ...forbiddenImports(sources),
  ...unusedDoors(sources),
  ...longFiles(sources),
  ...large.wrong,
  ...strayDepartureWriters(sources),
  ...ownFoldings(sources),
];

if (large.accepted.length > 0) console.log(`Large, accepted with a reason:\n  ${large.accepted.join('\n  ')}`);
for (const sentence of wrong) console.error(sentence);
process.exitCode = wrong.length > 0 ? 1 : 0;

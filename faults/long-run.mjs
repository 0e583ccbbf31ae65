// npm run test:faults: 1000 faults, or FAULTS_RUNS, in the order given by FAULTS_SEED, and one run without each safeguard.
// Then 300 random previews, or PREVIEW_RUNS, are compared with the receipts.
process.env.FAULTS_RUNS ??= '1000';
process.env.PREVIEW_RUNS ??= '300';
process.argv.push('faults/', 'e2e/around-a-departure/any-preview');
await import('../scripts/test.mjs');

import { defineConfig } from 'vite';

/** `npm run build` builds the console into dist/console; scripts/lib/console.mjs compresses the files afterwards. */
export default defineConfig({
  root: import.meta.dirname,
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    target: 'es2022',
    // A `data:` URL would need an exception in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    reportCompressedSize: false,
    rolldownOptions: {
      onwarn: (warning, warn) => {
        // `use client` means something to servers that render React, and nothing here.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
  },
  server: { proxy: { '/v1': { target: process.env.LEAVER_URL ?? 'http://127.0.0.1:3000' } } },
});

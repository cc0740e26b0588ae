import { svelte } from '@sveltejs/vite-plugin-svelte'
import { writeFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

// The Go package embeds dist, which must be there before the first build too.
const keepFolder = { name: 'keep-folder', closeBundle: () => writeFileSync(new URL('dist/.gitkeep', import.meta.url), '') }

export default defineConfig({
  root: 'src',
  plugins: [svelte(), keepFolder],
  build: { outDir: '../dist', emptyOutDir: true, assetsInlineLimit: 0, target: 'es2022', modulePreload: { polyfill: false } },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } }, // `npx vite` beside `outpace demo`
  test: { root: '.', include: ['src/**/*.test.ts'] },
})

import { svelte } from '@sveltejs/vite-plugin-svelte'
import { rmSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

// The Go package embeds dist, so its .gitkeep must stay: only what is built goes.
const emptyAssets = { name: 'empty-assets', apply: 'build' as const, buildStart: () => rmSync(new URL('dist/assets', import.meta.url), { recursive: true, force: true }) }

export default defineConfig({
  root: 'src',
  plugins: [svelte({ configFile: false }), emptyAssets],
  build: { outDir: '../dist', emptyOutDir: false, assetsInlineLimit: 0, target: 'es2022', modulePreload: { polyfill: false } },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } }, // `npx vite` beside `outpace demo`
  test: { root: '.', include: ['src/**/*.test.ts'] },
})

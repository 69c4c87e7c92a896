// A certified OpenID provider to sign in at: https://www.npmjs.com/package/oidc-provider with its development pages.
//
// Its settings are one JSON object in LODGE_OP:
//   port                     where to listen on 127.0.0.1; 0 or absent for any free port
//   client_id, client_secret, redirect_uris
//   backchannel_logout_uri   where the client hears of logouts
//   accounts                 { "student": { "name": "…", "groups": ["…"] }, … }: the claims of everyone who can sign in
//   id_token_claims          true: put the claims of the granted scopes in the ID token too, not only at userinfo
//   signed_userinfo          true: answer at userinfo with a signed token
//   with_second_factor       accounts that use a second factor
//   long_ago                 accounts that are said to have shown who they are an hour ago, whatever was asked
//
// Prints one line of JSON when it is ready, {"issuer": …, "port": …}, then one line for each request, METHOD PATH
// without its query, and ends when its standard input closes, so that it cannot outlive the test that started it.
//
// GET /test/rotate gives it a new key at once; GET /test/rotate-before-token at the next request for tokens. Its codes and
// sessions stay.

import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'

import { load } from './load.mjs'

const settings = JSON.parse(process.env.LODGE_OP ?? '{}')
const accounts = settings.accounts ?? { student: { name: 'Sam Student', groups: ['vision-students'] } }
const secondFactor = 'https://refeds.org/profile/mfa'

// The issuer holds the port, so the port must be known before the provider is made.
const server = createServer()
server.on('error', (error) => {
  console.error(`oidc-provider: cannot listen: ${error.message}`)
  process.exit(1)
})
await new Promise((listening) => server.listen(settings.port ?? 0, '127.0.0.1', listening))
const { port } = server.address()
const issuer = `http://127.0.0.1:${port}`

const { Provider } = await load('oidc-provider')

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' }
}

// One memory for every provider of this process, so that one with another key goes on where the last one stopped. Nothing
// is ever too old here: a test is over sooner.
const memory = new Map()

class Memory {
  constructor(model) {
    this.key = (id) => `${model} ${id}`
  }
  async upsert(id, payload) {
    memory.set(this.key(id), payload)
  }
  async find(id) {
    return memory.get(this.key(id))
  }
  async findByUid(uid) {
    return [...memory.values()].find((payload) => payload.uid === uid && payload.kind === 'Session')
  }
  async consume(id) {
    memory.get(this.key(id)).consumed = Math.floor(Date.now() / 1000)
  }
  async destroy(id) {
    memory.delete(this.key(id))
  }
  async revokeByGrantId(grantId) {
    for (const [key, payload] of memory) if (payload.grantId === grantId) memory.delete(key)
  }
}

function newProvider() {
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: settings.client_id ?? 'lodge',
        client_secret: settings.client_secret ?? 'a-secret-for-tests-only',
        redirect_uris: settings.redirect_uris ?? ['http://127.0.0.1:8080/auth/campus/callback'],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        ...(settings.signed_userinfo && { userinfo_signed_response_alg: 'RS256' }),
        ...(settings.backchannel_logout_uri && {
          backchannel_logout_uri: settings.backchannel_logout_uri,
          backchannel_logout_session_required: true,
        }),
      },
    ],
    acrValues: [secondFactor],
    adapter: Memory,
    claims: {
      openid: ['sub'],
      profile: ['name'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
      acr: null,
      amr: null,
      auth_time: null,
      sid: null,
    },
    conformIdTokenClaims: !settings.id_token_claims,
    cookies: { keys: ['a-cookie-key-for-tests-only'] },
    features: {
      backchannelLogout: { enabled: true },
      claimsParameter: { enabled: true },
      jwtUserinfo: { enabled: true },
    },
    jwks: { keys: [newKey()] },
    pkce: { required: () => true },
    async findAccount(_context, id) {
      const claims = accounts[id]
      return claims && { accountId: id, claims: async () => ({ sub: id, ...claims }) }
    },
  })
  provider.on('server_error', (_context, error) => console.error('oidc-provider:', error))
  provider.on('backchannel.success', () => console.log('told of a logout'))
  provider.on('backchannel.error', (_context, error) => console.log(`did not tell of a logout: ${error.message}`))
  const finished = provider.interactionFinished.bind(provider)
  provider.interactionFinished = (request, response, result, options) => {
    const { login } = result
    if (settings.with_second_factor?.includes(login?.accountId)) Object.assign(login, { acr: secondFactor, amr: ['mfa'] })
    if (settings.long_ago?.includes(login?.accountId)) login.ts = Math.floor(Date.now() / 1000) - 3600
    return finished(request, response, result, options)
  }
  return provider.callback()
}

let answer = newProvider()
let rotateBeforeToken = false
server.on('request', (request, response) => {
  const path = request.url.split('?')[0]
  console.log(`${request.method} ${path}`)
  if (path === '/test/rotate-before-token') {
    rotateBeforeToken = true
    return response.end('it will')
  }
  if (path === '/test/rotate' || (rotateBeforeToken && path === '/token')) {
    rotateBeforeToken = false
    answer = newProvider()
    if (path === '/test/rotate') return response.end('it has')
  }
  return answer(request, response)
})
console.log(JSON.stringify({ issuer, port }))

process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
process.stdin.on('error', () => process.exit(0))

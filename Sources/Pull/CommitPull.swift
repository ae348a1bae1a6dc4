// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree
import Transport

/// Pulls commits from one remote into a repo, every object verified on its way:
/// ```
///            names of dirtrees                  names of file objects
/// commits ─────────────▶ phase 1: metadata ───▶ survey ───▶ phase 2: content ───▶ publish ─ refs
/// ```
/// Nothing is seen in the repo before it is durable and complete. What an interrupted pull has
/// staged is used by the next one, after it was hashed again.
public struct CommitPull {
  let repo: Repo
  let remote: RemoteConfig
  let options: PullOptions
  private let progress: PullProgress
  let source: PullSource

  /// Opens the remote: reads keys and certificates, and looks a list of mirrors up.
  public init(
    _ repo: Repo, from remote: RemoteConfig, _ options: PullOptions, _ progress: PullProgress
  ) throws(PullError) {
    if let text = remote.unconfiguredState {
      throw .unconfigured(remote: remote.name, text: text)
    }
    if let backend = remote.customBackend {
      throw .customBackend(remote: remote.name, name: backend)
    }
    self.repo = repo
    self.remote = remote
    self.options = options
    self.progress = progress
    source = try PullSource.open(remote, options)
  }

  /// Does it. `report` is called now and then on the calling thread.
  ///
  /// Durable when it returns: objects first, refs last. Throws `PullError`; the repo then is as
  /// sound as before, and what was fetched is kept for the next attempt.
  public func run(_ report: (PullProgress) -> Void = { _ in }) throws(PullError) -> PullResult {
    let trust = try RemoteTrust(remote)
    if !options.planOnly {
      try ostree { () throws(OSTreeError) in try repo.removeDamagedOfMarkedCommits() }
    }
    let lock = try ostree { () throws(OSTreeError) in try repo.lock(.shared) }
    return try run(trust, under: lock, report)
  }

  private func run(
    _ trust: RemoteTrust, under lock: borrowing RepoLock, _ report: (PullProgress) -> Void
  ) throws(PullError) -> PullResult {
    let staging = try ostree { () throws(OSTreeError) in try repo.stage() }
    let context = PullContext(
      staging, progress, try Room(repo, reserveBytes: options.reserveBytes))

    let refs = try RemoteRefs(source, remote, trust, summaryCache)
    let targets = try refs.resolve(options)
    let fetch = CommitFetch(
      reader: CommitReader(source: source, remote: remote, trust: trust), staging: staging,
      progress: progress)
    var chain = CommitChain(fetch, options)
    for target in targets { try chain.follow(target) }

    var result = PullResult()
    result.commits = targets.map { $0.commit }
    if !options.commitMetadataOnly {
      try takeDeltas(chain.commits, targets, refs, trust, context, &result, report)
      try fetchMetadata(chain.commits, context, report)
      result.plan = try survey(chain, context)
      if options.planOnly { return result }
      try fetchContent(chain.commits, result.plan, context, report)
    }
    try finish(chain, refs, targets, context, &result, report)
    return result
  }
}

extension CommitPull {
  /// Static deltas that lead to commits of the targets come first. A repo in archive mode takes
  /// none: it stores files as they come from the server. ostree: `ostree-repo-pull.c`.
  private func takeDeltas(
    _ commits: [PulledCommit], _ targets: [ResolvedTarget], _ refs: RemoteRefs,
    _ trust: RemoteTrust, _ context: PullContext, _ result: inout PullResult,
    _ report: (PullProgress) -> Void
  ) throws(PullError) {
    guard options.usesDeltas, case .server(let server) = source, repo.mode != .archive else {
      return
    }
    let search = DeltaSearch(refs: refs, repo: repo)
    let planOnly = options.planOnly
    var seen: Set<Checksum> = []
    for target in targets {
      guard commits.contains(where: { $0.checksum == target.commit }),
        seen.insert(target.commit).inserted, let offer = try search.find(target)
      else { continue }
      progress.enter(.delta)
      let delta = DeltaPull(server, context, offer, trust)
      try context.runWorkers(
        1, stop: {}, report: { report(progress) }, body: { delta.run(planOnly: planOnly) })
      result.deltas.append(delta.report)
    }
  }

  private func fetchMetadata(
    _ commits: [PulledCommit], _ context: PullContext, _ report: (PullProgress) -> Void
  ) throws(PullError) {
    progress.enter(.metadata)
    let queue = MetadataQueue(context.staging, commits)
    let source = self.source
    try context.runWorkers(
      source.workers(options.connections), stop: { queue.stop() }, report: { report(progress) },
      body: {
        switch source {
        case .server(let server):
          server.client.run(
            server.contentBase, MetadataWorker(context, queue, server.contentBase))
        case .local(let repo): LocalWorker(context, repo).run(queue)
        }
      })
  }

  /// What phase 2 will fetch, and whether it fits.
  private func survey(
    _ chain: CommitChain, _ context: PullContext
  ) throws(PullError) -> PullPlan {
    var plan = PullPlan()
    var survey = ContentSurvey(context.staging)
    for pulled in chain.commits {
      try survey.add(pulled)
      try plan.addSizes(of: pulled, counted: survey.missing, context.staging)
    }
    plan.missingContent = survey.missing
    if chain.commits.count == 1, let distinct = plan.distinctContent {
      plan.missingContent = distinct
    }
    plan.presentContent = survey.present
    if plan.missingContent > 0 { try context.room.check(plan.neededBytesMin) }
    // What a static delta has brought is counted already.
    if plan.missingContent > 0 {
      progress.expect(content: progress.contentObjects + plan.missingContent)
    }
    return plan
  }

  private func fetchContent(
    _ commits: [PulledCommit], _ plan: PullPlan, _ context: PullContext,
    _ report: (PullProgress) -> Void
  ) throws(PullError) {
    progress.enter(.content)
    if plan.missingContent == 0 { return }
    let queue = ContentQueue(context.staging, roots: commits.map { $0.rootTree })
    let source = self.source
    let workers = min(
      source.workers(options.connections), Int(clamping: plan.missingContent))
    try context.runWorkers(
      workers, stop: { queue.stop() }, report: { report(progress) },
      body: {
        switch source {
        case .server(let server):
          server.client.run(server.contentBase, ContentWorker(context, queue, server.contentBase))
        case .local(let repo): LocalWorker(context, repo).run(queue)
        }
      })
  }

  /// Publishes, points the refs, and takes the marks of partial commits away: in this order.
  private func finish(
    _ chain: CommitChain, _ refs: RemoteRefs, _ targets: [ResolvedTarget], _ context: PullContext,
    _ result: inout PullResult, _ report: (PullProgress) -> Void
  ) throws(PullError) {
    progress.enter(.verify)
    report(progress)
    try ostree { () throws(OSTreeError) in
      let published = try context.staging.publish(readBack: options.readBack)
      result.syncMilliseconds = published.syncMilliseconds
      for target in targets {
        guard let ref = target.ref else { continue }
        let refspec = Refspec(remote: options.isMirror ? nil : remote.name, ref: ref)
        if try repo.readRef(refspec) != target.commit { try repo.writeRef(refspec, target.commit) }
      }
      if options.isMirror, options.targets.isEmpty, remote.branches.isEmpty {
        try repo.writeSummary(
          refs.summaryFile?.bytes ?? [], signatures: refs.signatureFile?.bytes)
      }
      if !options.commitMetadataOnly {
        for pulled in chain.commits { try repo.clearPartial(pulled.checksum) }
      }
    }
    if case .server = source {
      summaryCache.store(summary: refs.summaryFile, signatures: refs.signatureFile)
    }
    result.fetchedMetadata = progress.metadataObjects
    result.fetchedContent = progress.contentObjects
    result.fetchedBytes = progress.fetchedBytes
    result.writtenBytes = progress.writtenBytes
    let made = result.deltas.reduce(UInt64(0)) { $0 + $1.content }
    result.reused = result.plan.presentContent - min(made, result.plan.presentContent)
    if !options.commitMetadataOnly { result.route = source.route(options.connections) }
  }
}

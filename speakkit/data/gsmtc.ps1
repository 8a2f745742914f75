# The players of Windows, for speakkit: one JSON object a line in, one a line out, until the input ends.
#   {"n": 1, "do": "list"}                            {"n": 1, "ok": true, "sessions": [{"id", "status", "can_pause"}]}
#   {"n": 2, "do": "pause" or "play", "id": "..."}    {"n": 2, "ok": true}
$ErrorActionPreference = 'Stop'
[Console]::InputEncoding = New-Object System.Text.UTF8Encoding $false
[Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false
Add-Type -AssemblyName System.Runtime.WindowsRuntime
$Manager = [Windows.Media.Control.GlobalSystemMediaTransportControlsSessionManager, Windows.Media.Control, ContentType = WindowsRuntime]
$AsTask = ([System.WindowsRuntimeSystemExtensions].GetMethods() | Where-Object {
    $_.Name -eq 'AsTask' -and $_.GetParameters().Count -eq 1 -and
    $_.GetParameters()[0].ParameterType.Name -eq 'IAsyncOperation`1'
})[0]

function Wait-Operation($Operation, $Type) {
    $task = $AsTask.MakeGenericMethod($Type).Invoke($null, @($Operation))
    if (-not $task.Wait(1000)) { throw 'no answer' }
    $task.Result
}

function Find-Session($Id) {
    $session = $sessions.GetSessions() | Where-Object { $_.SourceAppUserModelId -eq $Id } | Select-Object -First 1
    if ($null -eq $session) { throw 'gone' }
    $session
}

$sessions = Wait-Operation ($Manager::RequestAsync()) $Manager
[Console]::Out.WriteLine('ready')
while ($null -ne ($line = [Console]::In.ReadLine())) {
    $answer = @{ ok = $true }
    try {
        $request = $line | ConvertFrom-Json
        $answer.n = $request.n
        switch ($request.do) {
            'list' {
                $answer.sessions = @(foreach ($session in $sessions.GetSessions()) {
                    $info = $session.GetPlaybackInfo()
                    @{
                        id        = $session.SourceAppUserModelId
                        status    = "$($info.PlaybackStatus)".ToLower()
                        can_pause = [bool]$info.Controls.IsPauseEnabled
                    }
                })
            }
            'pause' { $answer.ok = Wait-Operation (Find-Session $request.id).TryPauseAsync() ([bool]) }
            'play' { $answer.ok = Wait-Operation (Find-Session $request.id).TryPlayAsync() ([bool]) }
            default { $answer.ok = $false }
        }
    } catch {
        $answer.ok = $false
    }
    [Console]::Out.WriteLine((ConvertTo-Json $answer -Compress -Depth 4))
}
